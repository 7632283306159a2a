"""The held-out pairs of the original model card, `wiki-eval`, as retrieval data sets.

A query is copied from the window that answers it: an easy task, which word overlap alone solves.
"""

from __future__ import annotations

from collections.abc import Iterable

from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.train.card.data import N_WINDOWS, SEED, card_pairs
from wikirank.train.card.evaluation import wiki_eval_samples
from wikirank.train.fit.history import LabelledPair
from wikirank.types import Article

CANDIDATES = 2


def held_out_pairs(
    articles: Iterable[Article], *, n_windows: int = N_WINDOWS, seed: int = SEED
) -> list[LabelledPair]:
    """Make the pairs that the card recipe holds out from the same corpus.

    Args:
        articles: The corpus.
        n_windows: See `card_pairs`; 599 gives the card's 240 pairs.
        seed: See `card_pairs`.

    Returns:
        The held-out pairs.

    Raises:
        CorpusError: If the corpus has too few windows.
    """
    return card_pairs(articles, n_windows=n_windows, seed=seed).wiki_eval


def wiki_eval_dataset(pairs: Iterable[LabelledPair]) -> RetrievalDataset:
    """Make the card's `wiki-eval` set: the queries with both pairs held out.

    Args:
        pairs: The held-out pairs.

    Returns:
        The queries, each with a pool of two passages: its own window and a random one.

    Raises:
        CorpusError: If no query has both pairs.
    """
    queries: dict[str, str] = {}
    passages: dict[str, str] = {}
    relevant: dict[str, set[str]] = {}
    pools: dict[str, set[str]] = {}
    for number, sample in enumerate(wiki_eval_samples(list(pairs))):
        query, own, other = str(number), f"{number}-own", f"{number}-other"
        queries[query] = str(sample["query"])
        texts = [*sample["positive"], *sample["negative"]]
        passages.update(zip((own, other), texts, strict=True))
        relevant[query], pools[query] = {own}, {own, other}
    return RetrievalDataset(queries, passages, relevant, pools=pools)


def searched_dataset(pairs: Iterable[LabelledPair]) -> RetrievalDataset:
    """Make a set of all queries whose own window is held out, over all held-out windows.

    Args:
        pairs: The held-out pairs.

    Returns:
        The data set, without pools.
    """
    all_pairs = list(pairs)
    ids = {text: str(n) for n, text in enumerate(dict.fromkeys(pair.passage for pair in all_pairs))}
    positives = {str(n): pair for n, pair in enumerate(pair for pair in all_pairs if pair.label)}
    return RetrievalDataset(
        queries={query: pair.query for query, pair in positives.items()},
        passages={id_: text for text, id_ in ids.items()},
        relevant={query: {ids[pair.passage]} for query, pair in positives.items()},
    )

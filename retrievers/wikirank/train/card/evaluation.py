"""Turn the held-out pairs into reranking tasks for `CrossEncoderRerankingEvaluator`.

`wiki-eval` is the card's task: tell a query's own window from a random one. It is easy, because the
query is copied from its window. So `overlap_samples` makes a harder task: the candidates are the
held-out passages that share most words with the query, in the order of word overlap.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from wikirank.errors import CorpusError
from wikirank.train.fit.history import LabelledPair

Sample: TypeAlias = dict[str, str | list[str]]


def wiki_eval_samples(pairs: Sequence[LabelledPair]) -> list[Sample]:
    """Group held-out pairs by query.

    Args:
        pairs: Held-out pairs.

    Returns:
        `{"query", "positive", "negative"}` for each query with both kinds among the pairs.

    Raises:
        CorpusError: If no query has both.
    """
    grouped: dict[str, tuple[list[str], list[str]]] = {}
    for pair in pairs:
        positive, negative = grouped.setdefault(pair.query, ([], []))
        (positive if pair.label else negative).append(pair.passage)
    samples: list[Sample] = [
        {"query": query, "positive": positive, "negative": negative}
        for query, (positive, negative) in grouped.items()
        if positive and negative
    ]
    if not samples:
        msg = (
            f"Expected a query with both labels among the {len(pairs)} held-out pairs, got none. "
            "Train on more windows."
        )
        raise CorpusError(msg)
    return samples


def overlap_samples(pairs: Sequence[LabelledPair], k: int = 10) -> list[Sample]:
    """Rank all held-out passages for each query by the number of words they share with it.

    Returns `{"query", "positive", "documents"}` for each query with a positive pair. The documents
    are the first k passages, best first; the positive may be missing.
    """
    words = {pair.passage: _words(pair.passage) for pair in pairs}
    samples: list[Sample] = []
    for pair in pairs:
        if pair.label:
            query_words = _words(pair.query)
            ranked = sorted(words, key=lambda text: -len(query_words & words[text]))
            samples.append(
                {"query": pair.query, "positive": [pair.passage], "documents": ranked[:k]}
            )
    return samples


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))

"""Make the original model card's training data: windows of articles with queries copied from them.

1. An article's whole text, heading lines included, is cut every 500 characters.
2. A window's query is "What is " + the window up to its first full stop, lower-cased + "?".
3. 599 windows are drawn at random from the whole corpus (the card does not say which it took). A
   window is eligible if query and passage are as long as those on the card.
4. Each window gives two pairs: its query with itself (label 1), and with another window (label 0).
5. The 1,198 pairs are shuffled and split 80/20: 958 to train on, 240 held out as `wiki-eval`.

One seeded generator makes all choices, so a corpus and a seed always give the same data set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.passages.splitters import WindowSplitter
from wikirank.train.fit.history import LabelledPair
from wikirank.types import Article

N_WINDOWS = 599
WINDOW_CHARS = 500
MAX_LENGTH = 512  # tokens of a pair
QUERY_CHARS = (34, 509)
PASSAGE_CHARS = (172, 500)
TRAIN_SHARE = 0.8
SEED = 42


@dataclass(frozen=True, slots=True)
class CardPairs:
    """The data set of one run.

    Attributes:
        train: Pairs to train on.
        wiki_eval: Held-out pairs.
        n_articles: Number of articles in the corpus.
        n_eligible: Number of windows in the corpus within the card's lengths.
    """

    train: list[LabelledPair]
    wiki_eval: list[LabelledPair]
    n_articles: int
    n_eligible: int


def card_query(passage: str) -> str:
    """Return the card's query for a passage: "What is" and its text up to the first full stop."""
    return f"What is {passage.split('.', maxsplit=1)[0].lower()}?"


def card_windows(article: Article) -> Iterator[str]:
    """Yield the article's eligible windows, in order."""
    for start, end in WindowSplitter(max_chars=WINDOW_CHARS).spans(article.text):
        passage = article.text[start:end]
        if _within(passage, PASSAGE_CHARS) and _within(card_query(passage), QUERY_CHARS):
            yield passage


def card_pairs(
    articles: Iterable[Article], *, n_windows: int = N_WINDOWS, seed: int = SEED
) -> CardPairs:
    """Make the card's data set from a corpus.

    Args:
        articles: The corpus. It is read once, in order, and not kept in memory.
        n_windows: Number of windows to draw, 3 or more; 599 gives the card's counts.
        seed: Seed of every random choice.

    Returns:
        `2 * n_windows` pairs, 80 % to train on and the rest held out.

    Raises:
        CorpusError: If the corpus has fewer than `n_windows` eligible windows.
        InvalidArgumentError: If `n_windows` is below 3.
    """
    if n_windows < 3:
        msg = f"Expected n_windows of 3 or more, got {n_windows}."
        raise InvalidArgumentError(msg)
    rng = np.random.default_rng(seed)
    sample = _WindowSample(n_windows, rng)
    n_articles = 0
    for article in articles:
        n_articles += 1
        for passage in card_windows(article):
            sample.offer(passage)
    if len(sample.kept) < n_windows:
        msg = (
            f"Expected {n_windows} different windows, each a passage of {_range(PASSAGE_CHARS)} "
            f"characters with a query of {_range(QUERY_CHARS)}, got {len(sample.kept)} from "
            f"{n_articles} articles. Use a larger corpus."
        )
        raise CorpusError(msg)
    train, wiki_eval = split_pairs(labelled_pairs(sample.kept, rng), rng)
    return CardPairs(train, wiki_eval, n_articles, sample.n_offered)


def labelled_pairs(passages: Sequence[str], rng: np.random.Generator) -> list[LabelledPair]:
    """Pair each passage's query with the passage (label 1), and with a random other (label 0)."""
    pairs = []
    for i, passage in enumerate(passages):
        query = card_query(passage)
        other = int(rng.integers(len(passages) - 1))
        other += other >= i  # skips the passage itself; all others are equally likely
        pairs += [LabelledPair(query, passage, 1.0), LabelledPair(query, passages[other], 0.0)]
    return pairs


def split_pairs(
    pairs: Sequence[LabelledPair], rng: np.random.Generator
) -> tuple[list[LabelledPair], list[LabelledPair]]:
    """Shuffle pairs and split them 80/20, the first part rounded down: 1,198 give 958 and 240."""
    shuffled = [pairs[int(i)] for i in rng.permutation(len(pairs))]
    n_train = int(len(pairs) * TRAIN_SHARE)
    return shuffled[:n_train], shuffled[n_train:]


def _within(text: str, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= len(text) <= bounds[1]


def _range(bounds: tuple[int, int]) -> str:
    return f"{bounds[0]} to {bounds[1]}"


class _WindowSample:
    """A uniform sample of a stream of unknown length (reservoir sampling, algorithm R).

    A window whose query is already in the sample is skipped: a repeated window would give a
    "negative" that answers the query.
    """

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.kept: list[str] = []
        self.n_offered = 0
        self._size = size
        self._rng = rng
        self._queries: set[str] = set()

    def offer(self, passage: str) -> None:
        """Add the passage to the sample, or skip it."""
        query = card_query(passage)
        if query in self._queries:
            return
        self.n_offered += 1
        if len(self.kept) < self._size:
            self.kept.append(passage)
        elif (slot := int(self._rng.integers(self.n_offered))) < self._size:
            self._queries.discard(card_query(self.kept[slot]))
            self.kept[slot] = passage
        else:
            return
        self._queries.add(query)

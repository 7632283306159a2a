"""Mine negatives of a query: hard ones, neighbours of the positive, and random ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, zip_longest

import numpy as np

from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.passages.duplicates import without_duplicates
from wikirank.train.data.prose import words
from wikirank.types import Passage

Accept = Callable[[Passage], bool]
Hits = list[tuple[str, float]]

WINDOW = (3, 30)
MARGIN = 0.95
_MAX_FAILED_DRAWS = 20


def mine_negatives(
    index: WikiIndex,
    query: str,
    positive: Passage,
    *,
    rng: random.Random,
    n_hard: int = 2,
    n_same_article: int = 1,
    n_random: int = 1,
    window: tuple[int, int] = WINDOW,
    margin: float = MARGIN,
    accept: Accept | None = None,
) -> list[Passage]:
    """Find passages that look like an answer to a query but probably are none.

    Hard negatives are drawn at random from the rank window, alternately of the dense and the BM25
    ranking. Passages that may answer the query are left out:

    - a passage whose dense similarity to the query is at least `margin` times the positive's
      (TopK-PercPos of Moreira et al., "NV-Retriever: Improving text embedding models with effective
      hard-negative mining", 2024);
    - an exact or near duplicate of the positive;
    - a passage that contains the positive or is contained in it.

    No two negatives are duplicates of each other.

    Args:
        index: Index to search.
        query: Text of the query.
        positive: Passage that answers the query, with the text that the model reads. Its id may be
            empty or missing from the index. Its article is found by its `source` and `article`, or
            by its title among the hits if `article` is empty.
        rng: Makes every choice: the same generator and index give the same negatives.
        n_hard: Number of hard negatives.
        n_same_article: Number of negatives from the positive's article.
        n_random: Number of negatives drawn evenly from the whole index.
        window: First and last rank of the hard negatives, from 1, including the positive.
        margin: Share of the positive's similarity, over 0.
        accept: Tells whether a passage may be a negative; None accepts all.

    Returns:
        The hard negatives, then those of the article, then the random ones. Random ones also
        replace hard or same-article ones that were not found. Fewer than wanted only if the index
        has no more.

    Raises:
        InvalidArgumentError: If a number is negative, or the window or the margin is out of range.
    """
    numbers = (n_hard, n_same_article, n_random)
    if min(numbers) < 0 or not 1 <= window[0] <= window[1] or margin <= 0:
        msg = (
            "Expected numbers of 0 or more, a window of ranks from 1, first to last, and a margin "
            f"over 0, got n_hard, n_same_article, n_random = {numbers}, {window=}, {margin=}."
        )
        raise InvalidArgumentError(msg)
    mining = _Mining(index, query, positive, window[1], margin, accept)
    mining.take(mining.hard(window[0], rng), n_hard)
    mining.take(mining.of_article(rng), n_same_article)
    mining.take(random_passages(index, rng), sum(numbers) - len(mining.taken))
    return mining.taken


def random_passages(index: WikiIndex, rng: random.Random) -> Iterator[Passage]:
    """Draw the passages of an index in random order, each once.

    While few passages have been drawn, the time of a draw does not depend on the size of the index.
    An index that was built in the same steps gives the same draws.
    """
    # Row numbers have gaps where passages were replaced. A draw that hits a gap is repeated, so
    # all passages are equally likely.
    connection = index.store.connection
    # Two selects: SQLite looks up either end at once, but scans the table to find both together.
    first, last = (
        connection.execute(f"SELECT {end}(rowid) FROM passages").fetchone()[0]
        for end in ("min", "max")
    )
    seen: set[str] = set()
    failed_draws = 0
    while first is not None and failed_draws < _MAX_FAILED_DRAWS:
        failed_draws += 1
        row = connection.execute(
            "SELECT id FROM passages WHERE rowid = ?", (rng.randint(first, last),)
        ).fetchone()
        if row and row[0] not in seen:
            seen.add(row[0])
            failed_draws = 0
            yield from index.store.get([row[0]]).values()
    # Few passages are left, or there are many gaps: list all that are left.
    rows = connection.execute("SELECT id FROM passages ORDER BY id")
    rest = [id_ for (id_,) in rows if id_ not in seen]
    rng.shuffle(rest)
    for id_ in rest:
        yield from index.store.get([id_]).values()


class _Mining:
    """Collects the negatives of one query."""

    def __init__(
        self,
        index: WikiIndex,
        query: str,
        positive: Passage,
        depth: int,
        margin: float,
        accept: Accept | None,
    ) -> None:
        self.taken: list[Passage] = []
        self._index = index
        self._positive = positive
        self._accept = accept
        self._vector = index.embedder.embed_query(query)
        self._dense: Hits = index.dense.search(self._vector, depth)
        self._lexical: Hits = index.lexical.search(query, depth)
        self._similarities = dict(self._dense)
        ids = dict.fromkeys(id_ for id_, _ in (*self._dense, *self._lexical))
        self._passages = index.store.get([*ids, *([positive.id] if positive.id else [])])
        indexed = self._passages.get(positive.id)
        self._positive_texts = [positive.text, *([indexed.text] if indexed else [])]
        similarity = self._similarities.get(positive.id) if self._unchanged(indexed) else None
        self._limit = margin * (self._measure(positive) if similarity is None else similarity)
        # A passage that is missing from the dense ranking is no nearer than the ranking's last.
        self._farthest = self._dense[-1][1] if len(self._dense) == depth else -1.0

    def hard(self, first: int, rng: random.Random) -> Iterator[Passage]:
        """Shuffle the passages from rank `first` on, and take them alternately of both rankings."""
        rankings = [[id_ for id_, _ in hits[first - 1 :]] for hits in (self._dense, self._lexical)]
        for ranking in rankings:
            rng.shuffle(ranking)
        rng.shuffle(rankings)
        mixed = dict.fromkeys(chain.from_iterable(zip_longest(*rankings)))
        return (self._passages[id_] for id_ in mixed if id_ in self._passages)

    def of_article(self, rng: random.Random) -> list[Passage]:
        """Return the passages of the positive's article, in random order."""
        positive = self._positive
        if positive.article:
            by_id = self._index.store.of_articles(positive.source, [positive.article])
        else:
            by_id = {p.id: p for p in self._passages.values() if p.title == positive.title != ""}
        passages = sorted(by_id.values(), key=lambda passage: (passage.number, passage.id))
        rng.shuffle(passages)
        return passages

    def take(self, candidates: Iterable[Passage], number: int) -> None:
        """Keep the first `number` candidates that are negatives."""
        wanted = len(self.taken) + number
        if number <= 0:
            return
        for candidate in candidates:
            if self._is_negative(candidate):
                self.taken.append(candidate)
            if len(self.taken) == wanted:
                return

    def _is_negative(self, candidate: Passage) -> bool:
        if candidate.id == self._positive.id or (self._accept and not self._accept(candidate)):
            return False
        if any(holds_text(text, candidate.text) for text in self._positive_texts):
            return False
        others = [*self._positive_texts, *(passage.text for passage in self.taken)]
        if any(len(without_duplicates([text, candidate.text])) == 1 for text in others):
            return False
        similarity = self._similarities.get(candidate.id)
        if similarity is None and self._farthest >= self._limit:
            similarity = self._measure(candidate)
        return similarity is None or similarity < self._limit

    def _unchanged(self, indexed: Passage | None) -> bool:
        return indexed is not None and indexed.headed_text == self._positive.headed_text

    def _measure(self, passage: Passage) -> float:
        """Return the cosine similarity of a passage to the query, as the index would measure it."""
        similarity = np.dot(
            self._index.embedder.embed_passages([passage.headed_text])[0], self._vector
        )
        return float(similarity)


def holds_text(first: str, second: str) -> bool:
    """Whether one text contains the other, ignoring case, spaces and punctuation."""
    shorter, longer = sorted(
        (f" {' '.join(words(text.lower()))} " for text in (first, second)), key=len
    )
    return shorter in longer


def with_text(passage: Passage, text: str) -> Passage:
    """Return the passage with another text, such as its own without the query's sentence."""
    return replace(passage, text=text)

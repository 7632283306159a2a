"""How far a reranker moves the relevant passage up or down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import shorten

from wikirank.evaluate.datasets import RetrievalDataset

_EXAMPLES = 3
_PASSAGE_CHARS = 240
# Smallest number of ranks gained in each class of changes, except the last class.
_CLASSES = (
    (20, "up 20+"),
    (10, "up 10–19"),
    (4, "up 4–9"),
    (1, "up 1–3"),
    (0, "same"),
    (-3, "down 1–3"),
    (-9, "down 4–9"),
    (-19, "down 10–19"),
)
_LAST_CLASS = "down 20+"


@dataclass(frozen=True, slots=True)
class RankChange:
    """Rank of a query's first relevant passage before and after reranking.

    Attributes:
        query: Text of the query.
        passage: Beginning of the relevant passage that is first after reranking.
        before: Rank of the first relevant candidate before reranking, from 1.
        after: Rank of the first relevant candidate after reranking, from 1.
    """

    query: str
    passage: str
    before: int
    after: int

    @property
    def gain(self) -> float:
        """Difference of the reciprocal ranks, in (-1, 1); over 0 if reranking helped."""
        return 1 / self.after - 1 / self.before


def rank_changes(
    dataset: RetrievalDataset,
    before: Mapping[str, list[str]],
    after: Mapping[str, list[str]],
) -> list[RankChange]:
    """Compare the rank of each query's first relevant candidate before and after reranking.

    Args:
        dataset: The data set.
        before: Query id to passage ids before reranking.
        after: Query id to the same passage ids after reranking.

    Returns:
        One change per query, without queries that have no relevant candidate.
    """
    changes = []
    for id_, ranked in after.items():
        relevant = dataset.relevant[id_]
        if relevant.isdisjoint(ranked):
            continue
        rank = _first_relevant(ranked, relevant)
        text = dataset.text(ranked[rank - 1])
        changes.append(
            RankChange(
                query=dataset.queries[id_],
                passage=shorten(text, _PASSAGE_CHARS, placeholder=" …"),
                before=_first_relevant(before[id_], relevant),
                after=rank,
            )
        )
    return changes


def change_counts(changes: list[RankChange]) -> dict[str, int]:
    """Count the changes by size, from far up to far down."""
    counts = dict.fromkeys([*(name for _, name in _CLASSES), _LAST_CLASS], 0)
    for change in changes:
        gained = change.before - change.after
        counts[next((name for minimum, name in _CLASSES if gained >= minimum), _LAST_CLASS)] += 1
    return counts


def top_changes(changes: list[RankChange]) -> list[RankChange]:
    """Return a few of the largest gains and of the largest losses, best first."""
    ordered = sorted(changes, key=lambda change: -change.gain)
    gains = [change for change in ordered[:_EXAMPLES] if change.gain > 0]
    return gains + [change for change in ordered[-_EXAMPLES:] if change.gain < 0]


def _first_relevant(ranked: list[str], relevant: set[str]) -> int:
    return next(rank for rank, id_ in enumerate(ranked, start=1) if id_ in relevant)

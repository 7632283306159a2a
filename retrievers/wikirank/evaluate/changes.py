"""What a reranker does to the relevant passage: how far it rises or falls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import shorten

from wikirank.evaluate.datasets import RetrievalDataset

_EXAMPLES = 3
_PASSAGE_CHARS = 240
# Places up, at least, of each class of changes but the last.
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
    """Where the first relevant passage of a query stood and stands.

    Attributes:
        query: The question.
        passage: How the passage that stands first after reranking, of the relevant, begins.
        before: Rank of the first relevant candidate before reranking, from 1.
        after: The same after it.
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
    """Follow the first relevant candidate of each query through the reranking.

    Args:
        dataset: Queries, passages, and what is relevant.
        before: Query id to passage ids before reranking.
        after: The same passages after it.

    Returns:
        One change a query, without the queries whose relevant passages are no candidates.
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
    """Number of changes of each size, from far up to far down."""
    counts = dict.fromkeys([*(name for _, name in _CLASSES), _LAST_CLASS], 0)
    for change in changes:
        places = change.before - change.after
        counts[next((name for least, name in _CLASSES if places >= least), _LAST_CLASS)] += 1
    return counts


def top_changes(changes: list[RankChange]) -> list[RankChange]:
    """The changes that gain most and those that lose most, a few of each, best first."""
    ordered = sorted(changes, key=lambda change: -change.gain)
    gains = [change for change in ordered[:_EXAMPLES] if change.gain > 0]
    return gains + [change for change in ordered[-_EXAMPLES:] if change.gain < 0]


def _first_relevant(ranked: list[str], relevant: set[str]) -> int:
    return next(rank for rank, id_ in enumerate(ranked, start=1) if id_ in relevant)

"""Near duplicates of relevant passages: of several, search keeps the first, and each answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.passages.duplicates import without_duplicates
from wikirank.types import RankedPassage


def with_distinct_relevant(dataset: RetrievalDataset) -> RetrievalDataset:
    """Count relevant passages that are near duplicates of one another as their first by id."""
    relevant = {query: _distinct(dataset, ids) for query, ids in dataset.relevant.items()}
    return replace(dataset, relevant=relevant)


def credit_near_duplicates(
    candidates: Sequence[RankedPassage], dataset: RetrievalDataset, query: str
) -> list[RankedPassage]:
    """Take near duplicates of relevant passages for these: they answer as well.

    Args:
        candidates: Best first.
        dataset: Whose relevant passages are no near duplicates of one another.
        query: Id of the query.

    Returns:
        The candidates. For a relevant passage that is none of them its first near duplicate, if
        there is one, has its id.
    """
    relevant = dataset.relevant[query]
    named = list(candidates)
    for wanted in sorted(relevant.difference(candidate.passage.id for candidate in candidates)):
        for index, candidate in enumerate(named):
            if candidate.passage.id not in relevant and _alike(
                candidate.passage.text, dataset.text(wanted)
            ):
                named[index] = replace(candidate, passage=replace(candidate.passage, id=wanted))
                break
    return named


def _distinct(dataset: RetrievalDataset, ids: Collection[str]) -> set[str]:
    if len(ids) == 1:
        return set(ids)
    ordered = sorted(ids)
    kept = without_duplicates([dataset.text(id_) for id_ in ordered])
    return {ordered[index] for index in kept}


def _alike(one: str, other: str) -> bool:
    return len(without_duplicates([one, other])) == 1

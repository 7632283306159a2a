"""Credit near duplicates of relevant passages: search keeps only the first, but each answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.passages.duplicates import without_duplicates
from wikirank.types import RankedPassage


def with_distinct_relevant(dataset: RetrievalDataset) -> RetrievalDataset:
    """Keep only the first, by id, of relevant passages that are near duplicates of one another."""
    relevant = {query: _distinct(dataset, ids) for query, ids in dataset.relevant.items()}
    return replace(dataset, relevant=relevant)


def credit_near_duplicates(
    candidates: Sequence[RankedPassage], dataset: RetrievalDataset, query: str
) -> list[RankedPassage]:
    """Count a near duplicate of a missing relevant passage as that passage.

    Args:
        candidates: Candidates, best first.
        dataset: A data set whose relevant passages are not near duplicates of one another, from
            `with_distinct_relevant`.
        query: Id of the query.

    Returns:
        The candidates. If a relevant passage is not among them, its first near duplicate, if there
        is one, gets its id.
    """
    relevant = dataset.relevant[query]
    credited = list(candidates)
    for missing in sorted(relevant.difference(candidate.passage.id for candidate in candidates)):
        for index, candidate in enumerate(credited):
            if candidate.passage.id not in relevant and _are_near_duplicates(
                candidate.passage.text, dataset.text(missing)
            ):
                credited[index] = replace(candidate, passage=replace(candidate.passage, id=missing))
                break
    return credited


def _distinct(dataset: RetrievalDataset, ids: Collection[str]) -> set[str]:
    if len(ids) == 1:
        return set(ids)
    ordered = sorted(ids)
    kept = without_duplicates([dataset.text(id_) for id_ in ordered])
    return {ordered[index] for index in kept}


def _are_near_duplicates(first: str, second: str) -> bool:
    return len(without_duplicates([first, second])) == 1

"""Documents of one section that belong together, joined in reading order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from langchain_core.documents import Document

from langchain_wikirank._evidence.citations import CitationBook

GAP = " [...] "
"""Stands where text was left out."""

# An overlap of fewer characters may be chance: "of the " ends one passage and begins another.
_LEAST_OVERLAP = 16


def merged_groups(
    documents: Sequence[Document], citations: CitationBook, *, merge: bool = True
) -> list[list[Document]]:
    """Put together what follows one another in a section, and what has one citation number.

    Args:
        documents: The documents, best first.
        citations: The numbers that passages have already.
        merge: Whether adjacent passages belong together, or only those of one number.

    Returns:
        Groups in the order of their best documents, each best first.
    """
    group_of = list(range(len(documents)))
    numbers = [citations.number_of(document) for document in documents]
    for one, other in combinations(range(len(documents)), 2):
        same = numbers[one] is not None and numbers[one] == numbers[other]
        if same or (merge and _are_adjacent(documents[one], documents[other])):
            low, high = sorted((group_of[one], group_of[other]))
            group_of = [low if group == high else group for group in group_of]
    return [
        [document for document, of in zip(documents, group_of, strict=True) if of == group]
        for group in sorted(set(group_of))
    ]


def joined_document(group: Sequence[Document], *, merge: bool = True) -> Document:
    """A copy of the best document of a group with the text of all, in reading order.

    Args:
        group: Documents of one group, best first.
        merge: Whether the texts are whole passages, or parts with `GAP` between any two.

    Returns:
        The copy; text that overlaps stands in it once, `GAP` where passages are missing.
    """
    best = group[0].model_copy(update={"metadata": dict(group[0].metadata)})
    if len(group) == 1:
        return best
    ordered = sorted(group, key=lambda document: _number(document) or 0)
    texts = _pieces(ordered) if merge else (document.page_content for document in ordered)
    best.page_content = ("" if merge else GAP).join(texts)
    return best


def _pieces(ordered: Sequence[Document]) -> Iterator[str]:
    before = ordered[0]
    yield before.page_content
    for document in ordered[1:]:
        text = document.page_content
        overlap = _overlap(before.page_content, text)
        if overlap:
            yield text[overlap:]
        else:
            yield (" " if _are_adjacent(before, document) else GAP) + text
        before = document


def _are_adjacent(one: Document, other: Document) -> bool:
    """Whether two documents follow one another in a section, or share text at their ends."""
    place = _place(one)
    if place is None or place != _place(other):
        return False
    first, second = sorted((one, other), key=lambda document: _number(document) or 0)
    difference = (_number(second) or 0) - (_number(first) or 0)
    return difference == 1 or bool(difference and _overlap(first.page_content, second.page_content))


def _place(document: Document) -> tuple[Any, ...] | None:
    """The section a document is of; None if its metadata does not say."""
    metadata = document.metadata
    place = tuple(str(metadata.get(key) or "") for key in ("title", "section", "url", "source"))
    known = _number(document) is not None and (place[0] or place[2])
    return place if known else None


def _number(document: Document) -> int | None:
    number = document.metadata.get("passage_number")
    return number if type(number) is int else None


def _overlap(before: str, after: str) -> int:
    """How many characters at the start of `after` stand at the end of `before` already."""
    if len(after) < _LEAST_OVERLAP:
        return 0
    start, tail = after[:_LEAST_OVERLAP], before[-len(after) :]
    index = tail.find(start)
    while index >= 0:
        if after.startswith(tail[index:]):
            return len(tail) - index
        index = tail.find(start, index + 1)
    return 0

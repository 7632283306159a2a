"""Merge adjacent documents of a section in reading order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

from langchain_core.documents import Document

from langchain_wikirank._evidence.citations import CitationBook

GAP = " [...] "
"""Marks text that was left out."""

# Shorter overlaps may be chance: "of the " can end one passage and begin another.
_MIN_OVERLAP = 16


def merged_groups(
    documents: Sequence[Document], citations: CitationBook, *, merge: bool = True
) -> list[list[Document]]:
    """Group documents that are adjacent in a section or share a citation number.

    Args:
        documents: The documents, best first.
        citations: Existing citation numbers.
        merge: Whether to group adjacent passages, or only those with the same number.

    Returns:
        Groups in the order of their best documents. Each group has its best document first.
    """
    groups = list(range(len(documents)))
    numbers = [citations.number_of(document) for document in documents]
    for i, j in combinations(range(len(documents)), 2):
        same_number = numbers[i] is not None and numbers[i] == numbers[j]
        if same_number or (merge and _are_adjacent(documents[i], documents[j])):
            low, high = sorted((groups[i], groups[j]))
            groups = [low if group == high else group for group in groups]
    return [
        [documents[i] for i, group in enumerate(groups) if group == wanted]
        for wanted in sorted(set(groups))
    ]


def joined_document(group: Sequence[Document], *, merge: bool = True) -> Document:
    """Return a copy of the best document with the text of the whole group in reading order.

    Args:
        group: Documents of one group, best first.
        merge: Whether the texts are whole passages. Otherwise they are joined by `GAP`.

    Returns:
        The copy. Overlapping text appears once, and `GAP` marks missing passages.
    """
    best = group[0].model_copy(update={"metadata": dict(group[0].metadata)})
    if len(group) == 1:
        return best
    ordered = sorted(group, key=lambda document: _passage_number(document) or 0)
    texts = _join_overlaps(ordered) if merge else (document.page_content for document in ordered)
    best.page_content = ("" if merge else GAP).join(texts)
    return best


def _join_overlaps(ordered: Sequence[Document]) -> Iterator[str]:
    yield ordered[0].page_content
    for previous, document in pairwise(ordered):
        text = document.page_content
        overlap = _overlap(previous.page_content, text)
        if overlap:
            yield text[overlap:]
        else:
            yield (" " if _are_adjacent(previous, document) else GAP) + text


def _are_adjacent(a: Document, b: Document) -> bool:
    """Whether two documents are consecutive in a section, or overlap in it."""
    section = _section_key(a)
    if section is None or section != _section_key(b):
        return False
    first, second = sorted((a, b), key=lambda document: _passage_number(document) or 0)
    difference = (_passage_number(second) or 0) - (_passage_number(first) or 0)
    return difference == 1 or bool(difference and _overlap(first.page_content, second.page_content))


def _section_key(document: Document) -> tuple[Any, ...] | None:
    """Return what identifies the section of a document, or None if the metadata does not say."""
    metadata = document.metadata
    key = tuple(str(metadata.get(name) or "") for name in ("title", "section", "url", "source"))
    is_complete = _passage_number(document) is not None and (key[0] or key[2])
    return key if is_complete else None


def _passage_number(document: Document) -> int | None:
    number = document.metadata.get("passage_number")
    return number if type(number) is int else None


def _overlap(before: str, after: str) -> int:
    """Return the length of the longest start of `after` that ends `before`, 0 if too short."""
    if len(after) < _MIN_OVERLAP:
        return 0
    start, tail = after[:_MIN_OVERLAP], before[-len(after) :]
    index = tail.find(start)
    while index >= 0:
        if after.startswith(tail[index:]):
            return len(tail) - index
        index = tail.find(start, index + 1)
    return 0

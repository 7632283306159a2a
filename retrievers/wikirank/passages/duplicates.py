"""Exact and near duplicates among candidates, so that none is scored or shown twice."""

from __future__ import annotations

import re
from collections.abc import Sequence

NEAR_DUPLICATE_JACCARD = 0.9
_SHINGLE_WORDS = 4
_WORD = re.compile(r"\w+")


def without_duplicates(
    texts: Sequence[str], *, jaccard: float = NEAR_DUPLICATE_JACCARD
) -> list[int]:
    """Find which texts to keep so that no two are the same or nearly so.

    Two texts are near duplicates if their sets of four-word shingles, case and punctuation
    aside, have a Jaccard similarity of at least `jaccard` (Broder, "On the resemblance and
    containment of documents", 1997).

    Args:
        texts: Best first; of duplicates the first is kept.
        jaccard: From which similarity two texts count as one, in (0, 1].

    Returns:
        Positions of the texts to keep, ascending.
    """
    kept: list[int] = []
    kept_shingles: list[frozenset[tuple[str, ...]]] = []
    for position, text in enumerate(texts):
        shingles = _shingles(text)
        if not any(_similar(shingles, other, jaccard) for other in kept_shingles):
            kept.append(position)
            kept_shingles.append(shingles)
    return kept


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.lower()) or [text.strip()]
    count = max(1, len(words) - _SHINGLE_WORDS + 1)
    return frozenset(tuple(words[at : at + _SHINGLE_WORDS]) for at in range(count))


def _similar(
    one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]], jaccard: float
) -> bool:
    # Sets whose sizes differ too much cannot reach the similarity: most pairs end here.
    smaller, larger = sorted((len(one), len(other)))
    if smaller < jaccard * larger:
        return False
    common = len(one & other)
    return common >= jaccard * (len(one) + len(other) - common)

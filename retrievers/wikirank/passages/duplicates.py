"""Exact and near duplicates among candidates, so that none is scored or shown twice."""

from __future__ import annotations

import re
from collections.abc import Sequence

NEAR_DUPLICATE_JACCARD = 0.9
_SHINGLE_WORDS = 4
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"(?<!\w)[-−]\d+|\d+|[^\W\d_]+")
# Words that tell one edition, date or member of a series from another, as digits do.
_SERIES = """
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand
million billion half once twice
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
january february march april may june july august september october november december
jan feb mar apr jun jul aug sep sept oct nov dec
monday tuesday wednesday thursday friday saturday sunday spring summer autumn winter
"""
_ROMAN = {f"{tens}{ones}" for tens in ("", "x", "xx", "xxx")
          for ones in ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")}  # fmt: skip
_NUMBER_WORDS = frozenset(_SERIES.split()) | _ROMAN

_Shingles = frozenset[tuple[str, ...]]
_Identity = tuple[str, tuple[str, ...]]


def without_duplicates(
    texts: Sequence[str],
    *,
    titles: Sequence[str] | None = None,
    jaccard: float = NEAR_DUPLICATE_JACCARD,
    most: int | None = None,
) -> list[int]:
    """Find which texts to keep so that no two are the same or nearly so.

    Two texts are near duplicates if their sets of four-word shingles, case and punctuation
    aside, have a Jaccard similarity of at least `jaccard` (Broder, "On the resemblance and
    containment of documents", 1997), and nothing that tells two editions of a text apart differs
    between them: their titles, and their numbers, dates and ordinals in order. So the rules of 2019
    and those of 2020 are both kept, and a match won by 4 to 2 and one lost by 2 to 4.

    Args:
        texts: Best first; of duplicates the first is kept.
        titles: A title a text; None if they have none.
        jaccard: From which similarity two texts count as one, in (0, 1].
        most: How many to keep at most, 1 or more; those after them are not looked at.

    Returns:
        Positions of the texts to keep, ascending.
    """
    kept: list[int] = []
    seen: dict[_Identity, list[_Shingles]] = {}
    for position, text in enumerate(texts):
        lowered = text.lower()
        words = _WORD.findall(lowered) or [text.strip()]
        identity = (titles[position] if titles else "", _numbers(lowered))
        alike = seen.setdefault(identity, [])
        shingles = _shingles(words)
        if not any(_similar(shingles, other, jaccard) for other in alike):
            kept.append(position)
            alike.append(shingles)
        if len(kept) == most:
            break
    return kept


def _numbers(text: str) -> tuple[str, ...]:
    numbers = (word.replace("−", "-") for word in _NUMBER.findall(text))
    return tuple(word for word in numbers if word[-1].isdigit() or word in _NUMBER_WORDS)


def _shingles(words: Sequence[str]) -> _Shingles:
    count = max(1, len(words) - _SHINGLE_WORDS + 1)
    return frozenset(tuple(words[index : index + _SHINGLE_WORDS]) for index in range(count))


def _similar(one: _Shingles, other: _Shingles, jaccard: float) -> bool:
    # Sets whose sizes differ too much cannot reach the similarity: most pairs end here.
    smaller, larger = sorted((len(one), len(other)))
    if smaller < jaccard * larger:
        return False
    common = len(one & other)
    return common >= jaccard * (len(one) + len(other) - common)

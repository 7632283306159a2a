"""Find exact and near duplicates among candidates, so that none is scored or shown twice."""

from __future__ import annotations

import re
from collections.abc import Sequence

NEAR_DUPLICATE_JACCARD = 0.9
_SHINGLE_WORDS = 4
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"(?<!\w)[-−]\d+|\d+|[^\W\d_]+")
# Words that, like digits, distinguish editions, dates or members of a series.
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
    limit: int | None = None,
) -> list[int]:
    """Select texts so that no two of them are exact or near duplicates.

    Two texts are near duplicates if their sets of four-word shingles have a Jaccard similarity of
    at least `jaccard` (Broder, "On the resemblance and containment of documents", 1997). Case and
    punctuation are ignored. Their titles must be equal, and so must the sequences of their numbers,
    dates and ordinals. So the rules of 2019 and of 2020 are both kept, and so are a match won 4 to
    2 and a match lost 2 to 4.

    Args:
        texts: Texts, best first. The first of several duplicates is kept.
        titles: One title for each text, or None.
        jaccard: Lowest similarity of near duplicates, in (0, 1].
        limit: Stop after this many kept texts, 1 or more; None for no limit.

    Returns:
        Positions of the texts to keep, ascending.
    """
    kept: list[int] = []
    kept_shingles: dict[_Identity, list[_Shingles]] = {}
    for position, text in enumerate(texts):
        lowered = text.lower()
        words = _WORD.findall(lowered) or [text.strip()]
        identity = (titles[position] if titles else "", _numbers(lowered))
        earlier = kept_shingles.setdefault(identity, [])
        shingles = _shingles(words)
        if not any(_are_similar(shingles, other, jaccard) for other in earlier):
            kept.append(position)
            earlier.append(shingles)
        if len(kept) == limit:
            break
    return kept


def _numbers(text: str) -> tuple[str, ...]:
    numbers = (word.replace("−", "-") for word in _NUMBER.findall(text))
    return tuple(word for word in numbers if word[-1].isdigit() or word in _NUMBER_WORDS)


def _shingles(words: Sequence[str]) -> _Shingles:
    count = max(1, len(words) - _SHINGLE_WORDS + 1)
    return frozenset(tuple(words[index : index + _SHINGLE_WORDS]) for index in range(count))


def _are_similar(a: _Shingles, b: _Shingles, jaccard: float) -> bool:
    # Sets whose sizes differ too much cannot be similar enough: most pairs end here.
    smaller, larger = sorted((len(a), len(b)))
    if smaller < jaccard * larger:
        return False
    common = len(a & b)
    return common >= jaccard * (len(a) + len(b) - common)

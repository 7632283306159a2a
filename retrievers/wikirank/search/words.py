"""Words of a text in any script, for marking on a page; `cards.js` in `serve` finds the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import regex

from wikirank.index.normalise import UNSPACED
from wikirank.types import RankedPassage

_WORD = regex.compile(rf"({UNSPACED}+)|(?:(?!{UNSPACED})[\p{{L}}\p{{N}}\p{{M}}])+")


def words_in(text: str) -> Iterator[str]:
    """Yield the words of a text, unchanged, with their combining marks.

    Scripts without spaces yield pairs of letters.
    """
    for match in _WORD.finditer(text):
        run = match[1]
        if run is None:
            yield match[0]
            continue
        for start in range(max(1, len(run) - 1)):
            yield run[start : start + 2]


def words_of(candidates: Iterable[RankedPassage]) -> set[str]:
    """Return all words of the candidates, headings included."""
    return {word for hit in candidates for word in words_in(hit.passage.headed_text)}

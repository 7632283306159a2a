"""Words of a text in any script, as a page marks them; `cards.js` of `serve` finds the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import regex

from wikirank.index.normalise import UNSPACED
from wikirank.types import RankedPassage

_WORD = regex.compile(rf"({UNSPACED}+)|(?:(?!{UNSPACED})[\p{{L}}\p{{N}}\p{{M}}])+")


def words_in(text: str) -> Iterator[str]:
    """The words of a text as they stand there.

    Args:
        text: Any text.

    Yields:
        Words, with their combining marks; of runs of scripts without spaces, pairs of letters.
    """
    for match in _WORD.finditer(text):
        run = match[1]
        if run is None:
            yield match[0]
            continue
        for start in range(max(1, len(run) - 1)):
            yield run[start : start + 2]


def words_of(candidates: Iterable[RankedPassage]) -> set[str]:
    """All words of some candidates, headings included, as they stand there."""
    return {word for one in candidates for word in words_in(one.passage.headed_text)}

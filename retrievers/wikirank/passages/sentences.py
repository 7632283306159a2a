"""Where the sentences of a text are: one pass, no model, tuned for wiki prose."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Every alternative matches a whole run and needs nothing after it: no backtracking, linear time.
_BREAK = re.compile(
    r"""
      (?P<line> \n\s* )
    | (?P<stop> [.!?…؟۔।]+ ) (?: ["'”’»)\]}] | \[\d{1,3}\] )*
    | (?P<wide> [。！？｡]+ ) ["'”’»)\]}」』）》】]*
    """,
    re.VERBOSE,
)
_NEXT_WORD = re.compile(r"""[^\S\n]+["'“‘«(\[]*([^\W_]{0,16})""")
_OPENERS = "\"'“‘«([{"
_LOOK_BACK = 16


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# "U.S", "e.g", "Ph.D", "J.-P": what stands before the last dot.
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+[^\W\d_]{1,2}")
# Never the last word of a sentence.
_TITLES = _words(
    "dr mr mrs ms mx prof st mt gen rep sen gov capt lt col sgt maj cmdr adm rev hon messrs "
    "mme mlle v vs cf viz e.g i.e"
)
# An abbreviation only where a number follows: "No. 5", "c. 1900", "Feb. 3".
_BEFORE_NUMBERS = _words(
    "no nos fig figs vol vols p pp eq eqs sec ch art approx c ca b d r fl "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
# Last word of a sentence only where the next word is one that begins sentences.
_SOMETIMES_LAST = _words("inc ltd co corp jr sr etc al bros dept univ assn ave blvd ed")
_STARTERS = _words(
    "The An This That These Those It Its He His She Her They Their We Our You In On At For As If "
    "When While After Before However But And Also Although There Some Many Most Other Such One "
    "With By From To Since During Under Unlike According Today Then Thus"
)


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Find the sentences of a text; a line break always ends one.

    Args:
        text: Any text; time is linear in its length.

    Yields:
        Start and end of each sentence in characters, in order, without the white space around it.
        Every character that is not white space lies in exactly one sentence.
    """
    start = 0
    for match in _BREAK.finditer(text):
        if _ends_sentence(text, start, match):
            yield from trimmed_span(text, start, match.end())
            start = match.end()
    yield from trimmed_span(text, start, len(text))


def trimmed_span(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the span without the white space around it; nothing if it is all white space."""
    tail = text[start:end].lstrip()
    if tail:
        yield end - len(tail), end - len(tail) + len(tail.rstrip())


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """Tell whether the sentence that began at `start` ends with the match."""
    if match["stop"] is None:
        return True
    after = _NEXT_WORD.match(text, match.end())
    if after is None:
        return match.end() == len(text)
    next_word = after[1]
    # "e.g. this", "Yahoo! is", but not "…. iPhone sales".
    if next_word[:1].islower() and not any(map(str.isupper, next_word)):
        return False
    return match["stop"] != "." or not _is_abbreviation(text, start, match.start("stop"), next_word)


def _is_abbreviation(text: str, start: int, stop: int, next_word: str) -> bool:
    """Tell whether the full stop at `stop` belongs to an abbreviation, initial or list number."""
    words = text[max(start, stop - _LOOK_BACK) : stop].split()
    if not words or text[stop - 1].isspace():
        return False
    word = words[-1].lstrip(_OPENERS)
    if word.isdigit():
        return len(words) == 1 and stop - start <= _LOOK_BACK
    lowered = word.lower()
    if lowered in _BEFORE_NUMBERS and next_word[:1].isdigit():
        return True
    if lowered in _TITLES:
        return True
    initial = len(word) == 1 and word.isupper()
    if initial or lowered in _SOMETIMES_LAST or _DOTTED.fullmatch(word):
        return next_word not in _STARTERS
    return False

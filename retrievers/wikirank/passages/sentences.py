"""Find sentence boundaries: one pass, no model, tuned for wiki prose."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wikirank.passages.abbreviations import (
    AFTER_NUMBERS,
    BEFORE_NUMBERS,
    GERMAN_ARTICLES,
    NEVER_LAST,
    ORDINAL_NOUNS,
    SOMETIMES_LAST,
    STARTERS,
)

# Each alternative matches a whole run and needs nothing after it: no backtracking, linear time.
_BREAK = re.compile(
    r"""
      (?P<line> \n\s* )
    | (?P<stop> [.!?…؟۔।॥]+ ) (?: ["'”’»)\]}] | \[\d{1,3}\] )*
    | (?P<wide> [。！？｡։။።፧፨។]+ ) ["'”’»)\]}」』）》】]*
    """,
    re.VERBOSE,
)
_NEXT_WORD = re.compile(r"""[^\S\n]+["'“‘«(\[]*([^\W_]{0,16})""")
_OPENERS = "\"'“‘«([{"
_LOOK_BACK = 16
_NUMERAL = re.compile(r"(?:[0-9]|\b[ivxlc]+)$")
# The part before the last dot of an abbreviation: "U.S", "e.g", "Ph.D", "J.-P".
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+[^\W\d_]{1,3}")


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Find the sentences of a text; a line break always ends one.

    Args:
        text: Any text; time is linear in its length.

    Yields:
        Start and end of each sentence in characters, in order, without surrounding white space.
        Every character that is not white space lies in exactly one sentence.
    """
    start = 0
    for match in _BREAK.finditer(text):
        if _ends_sentence(text, start, match):
            yield from trimmed_span(text, start, match.end())
            start = match.end()
    yield from trimmed_span(text, start, len(text))


def trimmed_span(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the span without surrounding white space; nothing if it is all white space."""
    tail = text[start:end].lstrip()
    if tail:
        yield end - len(tail), end - len(tail) + len(tail.rstrip())


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the sentence that begins at `start` ends with the match."""
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
    """Whether the full stop at `stop` belongs to an abbreviation, initial or list number."""
    words = text[max(start, stop - _LOOK_BACK) : stop].split()
    if not words or text[stop - 1].isspace():
        return False
    word = words[-1].lstrip(_OPENERS)
    before = words[-2].lower() if len(words) > 1 else ""
    if word.isdigit():
        first = len(words) == 1 and stop - start <= _LOOK_BACK
        return first or _is_ordinal(word, before, next_word)
    lowered = word.lower()
    if lowered in BEFORE_NUMBERS and next_word[:1].isdigit():
        return True
    if lowered in NEVER_LAST or f"{before}{lowered}" in NEVER_LAST:  # "z. B." as "z.B."
        return True
    if lowered in AFTER_NUMBERS:  # "г. Москва", but "1973 г. Он"
        return _NUMERAL.search(before) is None or next_word not in STARTERS
    if len(word) == 1 and _is_next_dotted(text, stop, next_word):
        return True
    initial = len(word) == 1 and word.isupper()
    if initial or lowered in SOMETIMES_LAST or _DOTTED.fullmatch(word):
        return next_word not in STARTERS
    return False


def _is_ordinal(number: str, before: str, next_word: str) -> bool:
    """Whether a number with a dot is a German ordinal: "am 8. Juli", "der 2. Platz"."""
    if len(number) > 3 or not next_word[:1].isupper():
        return False
    return next_word in ORDINAL_NOUNS or (before in GERMAN_ARTICLES and next_word not in STARTERS)


def _is_next_dotted(text: str, stop: int, next_word: str) -> bool:
    """Whether the next word is short and ends with a dot too: "z. B.", "v. Chr.", "А. С."."""
    if next_word.lower() in NEVER_LAST:
        return False
    end = text.find(next_word, stop + 1) + len(next_word) if next_word else 0
    return 0 < len(next_word) <= 3 and text[end : end + 1] == "."

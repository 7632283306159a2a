"""Normalise text for lexical search: Unicode form, case, accents, and scripts without spaces.

Unicode has several forms of one word: "Zürich" in a file name of macOS differs from the "Zürich"
that a user types. Dictionaries and liturgies add marks that nobody types: Пу́шкин, קִבּוּץ. Some
scripts have no spaces between words: they are cut into overlapping pairs of letters, as in Lucene's
CJKAnalyzer.
"""

from __future__ import annotations

import re
import unicodedata

import regex

MAX_WORD_LENGTH = 80
"""Longer words are dropped: they are markup or noise, and cost space in the dictionary."""

_LONG = re.compile(rf"[^\W_]{{{MAX_WORD_LENGTH},}}")
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ーｰ々〆]"
"""Matches a letter of a script without spaces between words."""
_FIRST_UNSPACED = "\u0e00"  # Thai; the other scripts come after it
_UNSPACED = regex.compile(f"{UNSPACED}+")
_MARK = regex.compile(r"\p{M}")
_LETTER_LIKE_MARK = regex.compile(r"\p{Alphabetic}")
# Scripts whose marks can be dropped. Not Cyrillic: its й and ї are separate letters.
_UNMARKED = ("LATIN", "GREEK", "HEBREW", "ARABIC")
_CYRILLIC = {"ё": "е", "ѐ": "е", "ѝ": "и"}
_TATWEEL = "ـ"
_FULL_WIDTH = range(0xFF00, 0xFFF0)


def comparable(text: str) -> str:
    """Return a text in the form in which its words are indexed and searched.

    It is case folded and has no marks, scripts without spaces become pairs of letters, and words
    of 80 letters or more are dropped. The case of ASCII text is left to the tokenizer.
    """
    if not text.isascii():
        text = without_marks(text)
        if max(text, default="") >= _FIRST_UNSPACED:
            text = _UNSPACED.sub(_pairs, text)
    # No word is longer than the text between two spaces; this check is ten times as fast.
    if max(map(len, text.split()), default=0) < MAX_WORD_LENGTH:
        return text
    return _LONG.sub(" ", text)


def without_marks(text: str) -> str:
    """Fold the case, normalise Unicode, and drop accents, vowel points and stress marks."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).casefold().translate(_PLAIN)


def _pairs(run: regex.Match[str]) -> str:
    letters = run[0]
    pairs = (letters[start : start + 2] for start in range(max(1, len(letters) - 1)))
    return f" {' '.join(pairs)} "


class _Plain(dict[int, str]):
    """Maps characters to their plain form, computed at first use."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = _plain(chr(code))
        return plain


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter in _CYRILLIC:
        return _CYRILLIC[letter]
    if ord(letter) in _FULL_WIDTH:
        return unicodedata.normalize("NFKC", letter).casefold()
    name = unicodedata.name(letter, "")
    if letter == _TATWEEL:
        return ""
    if _MARK.match(letter):
        is_vowel = _LETTER_LIKE_MARK.match(letter) and not name.startswith(_UNMARKED)
        return letter if is_vowel else ""
    if not name.startswith(_UNMARKED):
        return letter
    parts = unicodedata.normalize("NFD", letter)
    return "".join(part for part in parts if not _MARK.match(part))


_PLAIN = _Plain()

"""Text as its words are compared: one form, one case, no marks, pairs of letters for some scripts.

Unicode has several forms of one word: "Zürich" as macOS names a file is not the "Zürich" that one
types. Dictionaries and liturgies put marks that nobody types: Пу́шкин, קִבּוּץ. And some scripts put
no spaces between words: their runs are cut into overlapping pairs, as in Lucene's CJKAnalyzer.
"""

from __future__ import annotations

import re
import unicodedata

import regex

LONGEST_WORD = 80
"""A word that is longer than this is markup or noise, and costs space in the dictionary."""

_LONG = re.compile(rf"[^\W_]{{{LONGEST_WORD},}}")
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ーｰ々〆]"
"""A letter of the scripts that put no spaces between words."""
_FIRST_UNSPACED = "\u0e00"  # Thai; those of the others are higher
_UNSPACED = regex.compile(f"{UNSPACED}+")
_MARK = regex.compile(r"\p{M}")
_LETTER_LIKE_MARK = regex.compile(r"\p{Alphabetic}")
# Scripts whose words are the same without marks. Of Cyrillic й and ї are letters of their own.
_UNMARKED = ("LATIN", "GREEK", "HEBREW", "ARABIC")
_CYRILLIC = {"ё": "е", "ѐ": "е", "ѝ": "и"}
_TATWEEL = "ـ"
_FULL_WIDTH = range(0xFF00, 0xFFF0)


def comparable(text: str) -> str:
    """A text in the form in which its words are indexed and looked up.

    Args:
        text: Any text.

    Returns:
        Case folded, without marks; runs of scripts without spaces as pairs of letters. ASCII stays
        as it is, but for its case and words over 80 letters.
    """
    if not text.isascii():
        text = without_marks(text)
        if max(text, default="") >= _FIRST_UNSPACED:
            text = _UNSPACED.sub(_pairs, text)
    # A word is as long as what stands between white space at the most: told in a tenth of the time.
    if max(map(len, text.split()), default=0) < LONGEST_WORD:
        return text
    return _LONG.sub(" ", text)


def without_marks(text: str) -> str:
    """A text case folded, in one form of Unicode, without accents, points and stress marks."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).casefold().translate(_PLAIN)


def _pairs(run: regex.Match[str]) -> str:
    letters = run[0]
    pairs = (letters[start : start + 2] for start in range(max(1, len(letters) - 1)))
    return f" {' '.join(pairs)} "


class _Plain(dict[int, str]):
    """What each character becomes, made when it is first met."""

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

"""Misspelt words of a question as the wiki spells them, for the models that read it.

Lexical search takes a word that no passage has for those that differ from it in a letter or two.
The models have no such way: to them "Bethoven" is another name than Beethoven. A name
that the wiki lacks must not become one that it has, so only slips of the hand and the ear count:
letters left out, doubled or swapped, one vowel for another. Fremont is not Tremont.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from wikirank.index.bm25 import max_edits

_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST = 5  # letters: of fewer, as "dont", most words are near
_VOWELS = frozenset("aeiouy")
_ANOTHER_NAME = 9  # slips, more than any word may have


def respelt(
    query: str, texts_near: Callable[[str], list[str]], is_word: Callable[[str], bool]
) -> str:
    """A query with words that no passage has, nor any dictionary, as passages spell them.

    Args:
        query: The query.
        texts_near: Gives passages with words near one that the index lacks; none for any other.
        is_word: Whether a word is one that models know, and so not misspelt.

    Returns:
        The query, unchanged where no such word is near one of the index.
    """

    def spelt(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) < _SHORTEST or is_word(word):
            return word
        return _nearest(word, texts_near(word))

    return _WORD.sub(spelt, query)


def _nearest(word: str, texts: list[str]) -> str:
    """The word of some texts that differs least from another, the most frequent of several."""
    counts = Counter(written for text in texts for written in _WORD.findall(text))
    most = max_edits(len(word))
    near = [
        (distance, -count, other)
        for other, count in counts.items()
        if other[0].lower() == word[0].lower()
        and abs(len(other) - len(word)) <= most
        and (distance := _distance(word.lower(), other.lower())) <= most
    ]
    if not near:
        return word
    nearest: str = min(near)[2]
    return nearest.lower() if word.islower() else nearest


def _distance(one: str, other: str) -> int:
    """Letters to insert, delete or swap with the next, vowels to replace: optimal alignment."""
    before, row = list[int](), list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        older, before, row = before, row, [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + _replacement(letter, wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _replacement(letter: str, other: str) -> int:
    if letter == other:
        return 0
    return 1 if letter in _VOWELS and other in _VOWELS else _ANOTHER_NAME

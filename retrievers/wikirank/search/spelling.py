"""Correct misspelt query words to the wiki's spelling, for the models.

Lexical search also matches words that differ in a letter or two from a word that no passage has.
The models cannot: to them "Bethoven" is another name than Beethoven. A name that the wiki lacks
must not become one that it has. So only slips in typing and hearing are corrected: letters left
out, doubled or swapped, one vowel for another. Fremont is not changed to Tremont.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from wikirank.index.bm25 import max_edits

_WORD = re.compile(r"[^\W\d_]+")
_MIN_LETTERS = 5  # Shorter words, such as "dont", are similar to too many others.
_VOWELS = frozenset("aeiouy")
_FORBIDDEN = 9  # More slips than any word may have.


def correct_spelling(
    query: str,
    texts_with_similar_word: Callable[[str], list[str]],
    is_word: Callable[[str], bool],
) -> str:
    """Correct query words that are in no passage and that the models do not know.

    Args:
        query: The query.
        texts_with_similar_word: Returns passages with words similar to one that the index lacks;
            none for a word that the index has.
        is_word: Returns whether the models know a word, so it is not misspelt.

    Returns:
        The query; unchanged if no such word is similar to one in the index.
    """

    def correct(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) < _MIN_LETTERS or is_word(word):
            return word
        return _nearest_word(word, texts_with_similar_word(word))

    return _WORD.sub(correct, query)


def _nearest_word(word: str, texts: list[str]) -> str:
    """Return the word in the texts with the fewest slips; among several, the most frequent."""
    counts = Counter(candidate for text in texts for candidate in _WORD.findall(text))
    limit = max_edits(len(word))
    similar = [
        (slips, -count, candidate)
        for candidate, count in counts.items()
        if candidate[0].lower() == word[0].lower()
        and abs(len(candidate) - len(word)) <= limit
        and (slips := _slips(word.lower(), candidate.lower())) <= limit
    ]
    if not similar:
        return word
    nearest: str = min(similar)[2]
    return nearest.lower() if word.islower() else nearest


def _slips(word: str, candidate: str) -> int:
    """Count letters to insert, delete or swap, and vowels to replace (optimal string alignment)."""
    previous, row = list[int](), list(range(len(candidate) + 1))
    for i, letter in enumerate(word, start=1):
        before_previous, previous, row = previous, row, [i]
        for j, wanted in enumerate(candidate, start=1):
            replaced = previous[j - 1] + _replacement_cost(letter, wanted)
            cost = min(previous[j] + 1, row[j - 1] + 1, replaced)
            if i > 1 and j > 1 and letter == candidate[j - 2] and word[i - 2] == wanted:
                cost = min(cost, before_previous[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _replacement_cost(letter: str, wanted: str) -> int:
    if letter == wanted:
        return 0
    return 1 if letter in _VOWELS and wanted in _VOWELS else _FORBIDDEN

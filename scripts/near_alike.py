"""Passages like a positive in all but what the query asks for, made for training.

A word that the query shares with its passage is exchanged for another of its kind (a number of as
many digits, another name, a word with the same ending) wherever the passage has it. Mined negatives
are rarely so alike, and a model that never met such a pair does not tell it apart.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|\d[\d,.]*\d|\d")
STEM = 5
"""Letters by which a word of the query is found in the passage."""
TWO_WORDS = 0.3
"""Share of the passages of which two words are exchanged, not one."""
COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "between",
        "but",
        "by",
        "did",
        "do",
        "does",
        "during",
        "first",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "if",
        "in",
        "into",
        "is",
        "it",
        "many",
        "most",
        "much",
        "name",
        "no",
        "not",
        "of",
        "on",
        "or",
        "such",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whose",
        "why",
        "will",
        "with",
    ]
)


class NearAlike:
    """Makes such passages.

    Args:
        passages: Texts whose words are put in the place of others.
        rng: Draws them.
    """

    def __init__(self, passages: Iterable[str], rng: random.Random) -> None:
        self._rng = rng
        self._counts: Counter[str] = Counter()
        words: dict[str, None] = {}
        for passage in passages:
            found = dict.fromkeys(WORD.findall(passage))
            self._counts.update(word.lower() for word in found)
            words |= found
        self._of_kind: dict[tuple[str, int | str], list[str]] = defaultdict(list)
        for word in words:
            if self._counts[word.lower()] > 2 and word.lower() not in COMMON and len(word) > 2:
                self._of_kind[_kind(word)].append(word)

    def make(self, query: str, passage: str) -> str | None:
        """A passage like this one that lacks a word of the query; None if they share none."""
        asked = {word.lower()[:STEM] for word in WORD.findall(query) if _tells(word)}
        shared = [word for word in dict.fromkeys(WORD.findall(passage)) if _tells(word)]
        shared = [word for word in shared if word.lower()[:STEM] in asked]
        if not shared:
            return None
        rarest = sorted(
            shared, key=lambda word: self._counts[word.lower()] + self._rng.random() * 20
        )
        n = 2 if self._rng.random() < TWO_WORDS else 1
        stems = {word.lower()[:STEM] for word in rarest[:n]}
        drawn: dict[str, str] = {}

        def exchanged(match: re.Match[str]) -> str:
            word = match.group()
            if word.lower()[:STEM] not in stems or not _tells(word):
                return word
            others = self._of_kind[_kind(word)] or [word]
            other = drawn.setdefault(word.lower(), self._rng.choice(others))
            return other.capitalize() if word[0].isupper() and other[0].islower() else other

        made = WORD.sub(exchanged, passage)
        return None if made == passage else made


def _tells(word: str) -> bool:
    """Whether a word says what is asked for."""
    return word.lower() not in COMMON and (len(word) > 2 or word[0].isdigit())


def _kind(word: str) -> tuple[str, int | str]:
    if word[0].isdigit():
        return "number", len(word)
    return ("name", "") if word[0].isupper() else ("word", word[-2:])

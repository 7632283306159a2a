"""Synthetic hard negatives that differ from the positive in one or two words of the query.

A word that query and passage share is replaced, everywhere in the passage, by another of its kind:
a number with as many digits, another name, or a word with the same ending. Mined negatives are
rarely that close, and a model that never saw such a pair cannot tell the two apart.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|\d[\d,.]*\d|\d")
STEM = 5
"""Leading letters that a word of the query and one of the passage must share to match."""
TWO_WORDS = 0.3
"""Share of the passages in which two words are replaced instead of one."""
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
    """Generator of such passages.

    Args:
        passages: Texts that replacement words are drawn from.
        rng: Source of randomness.
    """

    def __init__(self, passages: Iterable[str], rng: random.Random) -> None:
        self._rng = rng
        self._counts: Counter[str] = Counter()
        words: dict[str, None] = {}
        for passage in passages:
            passage_words = dict.fromkeys(WORD.findall(passage))
            self._counts.update(word.lower() for word in passage_words)
            words |= passage_words
        self._of_kind: dict[tuple[str, int | str], list[str]] = defaultdict(list)
        for word in words:
            if self._counts[word.lower()] > 2 and word.lower() not in COMMON and len(word) > 2:
                self._of_kind[_kind(word)].append(word)

    def make(self, query: str, passage: str) -> str | None:
        """Replace words of the query in a passage; None if the two share no word."""
        query_stems = {word.lower()[:STEM] for word in WORD.findall(query) if _is_content(word)}
        shared = [word for word in dict.fromkeys(WORD.findall(passage)) if _is_content(word)]
        shared = [word for word in shared if word.lower()[:STEM] in query_stems]
        if not shared:
            return None
        rarest = sorted(
            shared, key=lambda word: self._counts[word.lower()] + self._rng.random() * 20
        )
        n = 2 if self._rng.random() < TWO_WORDS else 1
        stems = {word.lower()[:STEM] for word in rarest[:n]}
        replacements: dict[str, str] = {}

        def replacement(match: re.Match[str]) -> str:
            word = match.group()
            if word.lower()[:STEM] not in stems or not _is_content(word):
                return word
            others = self._of_kind[_kind(word)] or [word]
            other = replacements.setdefault(word.lower(), self._rng.choice(others))
            return other.capitalize() if word[0].isupper() and other[0].islower() else other

        made = WORD.sub(replacement, passage)
        return None if made == passage else made


def _is_content(word: str) -> bool:
    """Return whether a word carries meaning, unlike stop words and most short words."""
    return word.lower() not in COMMON and (len(word) > 2 or word[0].isdigit())


def _kind(word: str) -> tuple[str, int | str]:
    if word[0].isdigit():
        return "number", len(word)
    return ("name", "") if word[0].isupper() else ("word", word[-2:])

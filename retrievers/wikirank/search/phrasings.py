"""Turn a question into queries for a wiki's own search."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wikirank.index.languages import STOPWORDS

_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
_STOPWORDS = frozenset(STOPWORDS.split())
_MAX_CHARS = 200
_MAX_KEYWORDS = 10
_MAX_ALTERNATIVES = 6
_MAX_TITLES = 30
_MAX_TITLE_WORDS = 5


def phrasings(query: str) -> list[str]:
    """Return queries for a wiki's own search, which mostly requires every word on the page.

    Args:
        query: The question.

    Returns:
        The question without search operators; its keywords; its names; and its keywords joined by
        `OR`, for searches that support it. No query is empty or repeated.
    """
    words = _words(query)
    alternatives = keywords(query)[:_MAX_ALTERNATIVES]
    any_keyword = " OR ".join(alternatives) if len(alternatives) > 1 else ""
    all_keywords = " ".join(word for word in words if _is_keyword(word))
    candidates = [" ".join(words), all_keywords, *_names(words), any_keyword]
    return list(dict.fromkeys(phrase[:_MAX_CHARS] for phrase in candidates if phrase))


def keywords(query: str) -> list[str]:
    """Return the words of a question that are no stop words: ten at most, longest first."""
    words = (word[:_MAX_CHARS] for word in _words(query) if _is_keyword(word))
    return sorted(dict.fromkeys(words), key=len, reverse=True)[:_MAX_KEYWORDS]


def possible_titles(query: str) -> list[str]:
    """Return titles that pages about a question may have.

    Args:
        query: The question.

    Returns:
        The question's names, then sequences of two to five words, unchanged and capitalised,
        longest first; thirty at most.
    """
    words = _words(query)
    titles = dict.fromkeys(_names(words))
    for sequence in _sequences(words):
        titles.update(dict.fromkeys((" ".join(sequence), " ".join(map(_capitalise, sequence)))))
    return list(titles)[:_MAX_TITLES]


def _words(query: str) -> list[str]:
    return _WORD.findall(query[: 4 * _MAX_CHARS])


def _is_keyword(word: str) -> bool:
    return word.lower() not in _STOPWORDS


def _capitalise(word: str) -> str:
    return word[:1].upper() + word[1:] if _is_keyword(word) else word


def _sequences(words: list[str]) -> Iterator[list[str]]:
    """Yield sequences of words that begin and end with a keyword, longest first."""
    for length in range(min(_MAX_TITLE_WORDS, len(words)), 1, -1):
        for start in range(len(words) - length + 1):
            sequence = words[start : start + length]
            if _is_keyword(sequence[0]) and _is_keyword(sequence[-1]):
                yield sequence


def _names(words: list[str]) -> list[str]:
    """Return sequences of capitalised words, without a question's first word."""
    names: list[str] = []
    name: list[str] = []
    for position, word in enumerate([*words, ""]):
        if word[:1].isupper() and _is_keyword(word) and (position > 0 or len(words) == 1):
            name.append(word)
        elif name:
            names.append(" ".join(name))
            name = []
    return names

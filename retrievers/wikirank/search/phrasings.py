"""A question in the words that a wiki's own search may find something by."""

from __future__ import annotations

import re

from wikirank.index.languages import STOPWORDS

_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
_STOPWORDS = frozenset(STOPWORDS.split())
_LONGEST_CHARS = 200
_MOST_WORDS = 6


def phrasings(query: str) -> list[str]:
    """Ways to ask a wiki's own search, most of which want every word to be on the page.

    Args:
        query: The question.

    Returns:
        The question without anything that a search takes for an operator; its telling words; its
        names; each of the first and of its longest telling words. None twice, none empty.
    """
    words = _WORD.findall(query[: 4 * _LONGEST_CHARS])
    telling = [word for word in words if word.lower() not in _STOPWORDS]
    by_length = sorted(dict.fromkeys(telling), key=len, reverse=True)[:_MOST_WORDS]
    asked = [" ".join(words), " ".join(telling), *_names(words), *by_length]
    return list(dict.fromkeys(phrase[:_LONGEST_CHARS] for phrase in asked if phrase))


def _names(words: list[str]) -> list[str]:
    """Runs of capitalised words, but not a question's first word alone."""
    names: list[str] = []
    run: list[str] = []
    for position, word in enumerate([*words, ""]):
        telling = word.lower() not in _STOPWORDS
        if word[:1].isupper() and telling and (position > 0 or len(words) == 1):
            run.append(word)
        elif run:
            names.append(" ".join(run))
            run = []
    return names

"""A question in the words that a wiki's own search may find something by."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wikirank.index.languages import STOPWORDS

_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
_STOPWORDS = frozenset(STOPWORDS.split())
_LONGEST_CHARS = 200
_MOST_WORDS = 10
_MOST_EITHER = 6
_MOST_TITLES = 30
_LONGEST_TITLE_WORDS = 5


def phrasings(query: str) -> list[str]:
    """Ways to ask a wiki's own search, most of which want every word to be on the page.

    Args:
        query: The question.

    Returns:
        The question without anything that a search takes for an operator; its telling words; its
        names; any of its telling words, for searches that know `OR`. None twice, none empty.
    """
    words = _words(query)
    telling = telling_words(query)
    either = " OR ".join(telling[:_MOST_EITHER]) if len(telling) > 1 else ""
    in_order = [word for word in words if _is_telling(word)]
    candidates = [" ".join(words), " ".join(in_order), *_names(words), either]
    return list(dict.fromkeys(phrase[:_LONGEST_CHARS] for phrase in candidates if phrase))


def telling_words(query: str) -> list[str]:
    """The words of a question to find a page by: ten at most, the longest first, none twice."""
    telling = (word[:_LONGEST_CHARS] for word in _words(query) if _is_telling(word))
    return sorted(dict.fromkeys(telling), key=len, reverse=True)[:_MOST_WORDS]


def possible_titles(query: str) -> list[str]:
    """Titles that pages on a question may have, to be looked up at once.

    Args:
        query: The question.

    Returns:
        Its names, then runs of two to five words as they are and capitalised, the longest first;
        thirty at most.
    """
    words = _words(query)
    titles = dict.fromkeys(_names(words))
    for run in _runs(words):
        titles.update(dict.fromkeys((" ".join(run), " ".join(map(_capitalised, run)))))
    return list(titles)[:_MOST_TITLES]


def _words(query: str) -> list[str]:
    return _WORD.findall(query[: 4 * _LONGEST_CHARS])


def _is_telling(word: str) -> bool:
    return word.lower() not in _STOPWORDS


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:] if _is_telling(word) else word


def _runs(words: list[str]) -> Iterator[list[str]]:
    """Runs of words that begin and end with a telling one, the longest first."""
    for length in range(min(_LONGEST_TITLE_WORDS, len(words)), 1, -1):
        for start in range(len(words) - length + 1):
            run = words[start : start + length]
            if _is_telling(run[0]) and _is_telling(run[-1]):
                yield run


def _names(words: list[str]) -> list[str]:
    """Runs of capitalised words, but not a question's first word alone."""
    names: list[str] = []
    run: list[str] = []
    for position, word in enumerate([*words, ""]):
        if word[:1].isupper() and _is_telling(word) and (position > 0 or len(words) == 1):
            run.append(word)
        elif run:
            names.append(" ".join(run))
            run = []
    return names

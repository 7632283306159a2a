"""Exact phrases and regular expressions in the passages of a page or of a whole index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import regex

from wikirank.corpus.sentences import sentence_spans
from wikirank.errors import InvalidArgumentError
from wikirank.index.store import PassageStore
from wikirank.reading import Page
from wikirank.types import Passage

LONGEST_PATTERN = 300
# Longest processor time on one passage in seconds: a sound pattern takes microseconds.
_PASSAGE_SECONDS = 0.25

# Typed one way, printed another.
_ALIKE = {"'": "['’‘ʼ]", '"': '["“”„]', "-": "[-‐‑–—−]"}
_ALIKE |= {alike: pattern for pattern in list(_ALIKE.values()) for alike in pattern[1:-1]}


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that holds what was looked for.

    Attributes:
        passage: The passage.
        sentences: The sentences of it that do, in order.
    """

    passage: Passage
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found.

    Attributes:
        hits: Passages, article by article, in reading order.
        complete: Whether all was looked through: False when `limit` or the time ended it.
        timed_out: Whether the time ended it.
    """

    hits: list[Hit]
    complete: bool
    timed_out: bool


def find_text(
    store: PassageStore,
    pattern: str,
    *,
    is_regex: bool = False,
    page: Page | None = None,
    limit: int = 20,
    seconds: float = 5.0,
) -> Hits:
    """Look for a phrase or a regular expression.

    A phrase is found in any case, whatever white space stands between its words, and whatever
    kind of quotation marks and dashes is printed. A match lies within one passage.

    Args:
        store: The passages.
        pattern: The phrase, or the expression in Python's syntax, at most 300 characters.
        is_regex: Whether it is an expression; case counts in it, unless it begins with `(?i)`.
        page: The page to look in; None looks in all.
        limit: How many passages to return at most.
        seconds: How long to look at most.

    Returns:
        What was found.

    Raises:
        InvalidArgumentError: The pattern is empty, too long or no regular expression, it matches
            the empty string, or it takes too long on one passage.
    """
    compiled = _compiled(pattern, is_regex)
    condition, parameters = ("1", []) if is_regex else _prefilter(pattern)
    if page is not None:
        condition = f"source = ? AND article = ? AND {condition}"
        parameters = [page.source, page.article, *parameters]
    deadline = monotonic() + seconds
    hits: list[Hit] = []
    for passage in store.select(condition, parameters):
        if monotonic() > deadline:
            return Hits(hits, complete=False, timed_out=True)
        sentences = tuple(_sentences(compiled, passage.text))
        if sentences and len(hits) == limit:
            return Hits(hits, complete=False, timed_out=False)
        if sentences:
            hits.append(Hit(passage, sentences))
    return Hits(hits, complete=True, timed_out=False)


def _compiled(pattern: str, is_regex: bool) -> regex.Pattern[str]:
    if not pattern.strip() or len(pattern) > LONGEST_PATTERN:
        msg = f"Expected a pattern of 1 to {LONGEST_PATTERN} characters, got {len(pattern)}."
        raise InvalidArgumentError(msg)
    if not is_regex:
        words = (map(_letter, word) for word in pattern.split())
        return regex.compile(r"\s+".join(map("".join, words)), regex.IGNORECASE)
    try:
        compiled = regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as err:
        msg = f"{pattern!r} is no regular expression: {err}. Correct it, or look for a phrase."
        raise InvalidArgumentError(msg) from err
    if compiled.search("", timeout=_PASSAGE_SECONDS):
        msg = f"{pattern!r} matches even the empty string. Ask for at least one character."
        raise InvalidArgumentError(msg)
    return compiled


def _letter(letter: str) -> str:
    return _ALIKE.get(letter) or regex.escape(letter)


def _prefilter(phrase: str) -> tuple[str, list[str]]:
    """A condition that every passage with the phrase meets, quick to test in SQL."""
    # LIKE knows the cases of ASCII letters only, and lets "_" and "%" stand for anything.
    safe = "".join(c if c.isascii() and c.isalnum() else "%" for c in phrase)
    return "text LIKE ?", [f"%{safe}%"]


def _matches(compiled: regex.Pattern[str], text: str) -> Iterator[regex.Match[str]]:
    # Concurrent: other threads, such as an event loop's, run meanwhile.
    yield from compiled.finditer(text, timeout=_PASSAGE_SECONDS, concurrent=True)


def _sentences(compiled: regex.Pattern[str], text: str) -> Iterator[str]:
    """The sentences of a text in which the expression matches, or across which it does."""
    try:
        spans = [found.span() for found in _matches(compiled, text)]
    except TimeoutError as err:
        msg = (
            f"{compiled.pattern!r} takes too long on one passage. Avoid repetitions within "
            "repetitions such as (a+)+, or look for a phrase."
        )
        raise InvalidArgumentError(msg) from err
    if not spans:
        return
    run: tuple[int, int] | None = None
    for start, end in sentence_spans(text):
        if any(begin < end and stop > start for begin, stop in spans):
            crossing = run and any(begin < run[1] and stop > start for begin, stop in spans)
            if run and not crossing:
                yield text[slice(*run)]
            run = (run[0], end) if run and crossing else (start, end)
    if run:
        yield text[slice(*run)]

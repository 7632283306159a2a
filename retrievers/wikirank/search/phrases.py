"""Find exact phrases and regular expressions in a page or in a whole index."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic

import regex

from wikirank.errors import InvalidArgumentError
from wikirank.index.store import PassageStore
from wikirank.passages.sentences import sentence_spans
from wikirank.search.expressions import compile_expression, compile_phrase
from wikirank.search.pages import Page
from wikirank.types import Passage

LONGEST_PATTERN = 300
# Limit of processor time per passage; a sound pattern takes microseconds.
_PASSAGE_SECONDS = 0.25
_LONGEST_SENTENCE = 600
# Combining marks that remain after normalisation, such as the stress mark in Пу́шкин.
_STRESS = re.compile("[\u0300-\u036f]")
_ASCII_WORD = re.compile("[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with a match.

    Attributes:
        passage: The passage.
        sentences: Its sentences with a match, in order. A sentence over 600 characters is cut to
            the text around the match.
    """

    passage: Passage
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hits:
    """The result of a text search.

    Attributes:
        hits: Passages with a match, article by article, in reading order.
        complete: Whether all passages were searched; False if `limit` or the time ran out.
        timed_out: Whether the time ran out.
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
    """Search for a phrase or a regular expression.

    A phrase matches in any case, with any white space between its words, and with any kind of
    quotation marks and dashes. A match lies within one passage.

    Args:
        store: The passages.
        pattern: The phrase, or the expression in Python's syntax, at most 300 characters.
        is_regex: Whether the pattern is a regular expression. It is case-sensitive unless it begins
            with `(?i)`.
        page: The page to search; None searches all.
        limit: Maximum number of passages to return.
        seconds: Time limit of the search.

    Returns:
        The passages with a match.

    Raises:
        InvalidArgumentError: If the pattern is empty, too long or not a regular expression, repeats
            too much, matches the empty string, or takes too long on one passage.
    """
    condition, parameters = ("1", []) if is_regex else _sql_condition(_normalise(pattern))
    if page is not None:
        condition = f"source = ? AND article = ? AND {condition}"
        parameters = [page.source, page.article, *parameters]
    passages = store.select(condition, parameters)
    return find_in(passages, pattern, is_regex=is_regex, limit=limit, seconds=seconds)


def find_in(
    passages: Iterable[Passage],
    pattern: str,
    *,
    is_regex: bool = False,
    limit: int = 20,
    seconds: float = 5.0,
) -> Hits:
    """Search some passages for a phrase or a regular expression; see `find_text`."""
    compiled = _compile(_normalise(pattern), is_regex)
    deadline = monotonic() + seconds
    hits: list[Hit] = []
    for passage in passages:
        if monotonic() > deadline:
            return Hits(hits, complete=False, timed_out=True)
        sentences = tuple(_sentences(compiled, _normalise(passage.text)))
        if sentences and len(hits) == limit:
            return Hits(hits, complete=False, timed_out=False)
        if sentences:
            hits.append(Hit(passage, sentences))
    return Hits(hits, complete=True, timed_out=False)


def _normalise(text: str) -> str:
    """Put a text into the form that people type: Unicode NFC, without stress marks."""
    if text.isascii():
        return text
    return _STRESS.sub("", unicodedata.normalize("NFC", text))


def _compile(pattern: str, is_regex: bool) -> regex.Pattern[str]:
    if not pattern.strip() or len(pattern) > LONGEST_PATTERN:
        msg = f"Expected a pattern of 1 to {LONGEST_PATTERN} characters, got {len(pattern)}."
        raise InvalidArgumentError(msg)
    if not is_regex:
        return compile_phrase(pattern)
    compiled = compile_expression(pattern)
    if compiled.search("", timeout=_PASSAGE_SECONDS):
        msg = f"{pattern!r} matches even the empty string. Ask for at least one character."
        raise InvalidArgumentError(msg)
    return compiled


def _sql_condition(phrase: str) -> tuple[str, list[str]]:
    """Return a fast SQL condition that every passage with the phrase meets, and its parameters."""
    # LIKE ignores case for ASCII letters only, and is very slow with several "%" in one pattern.
    longest = sorted(_ASCII_WORD.findall(phrase), key=len, reverse=True)[:3]
    condition = " AND ".join(["text LIKE ?"] * len(longest)) or "1"
    return condition, [f"%{word}%" for word in longest]


def _matches(compiled: regex.Pattern[str], text: str) -> Iterator[regex.Match[str]]:
    # `concurrent` releases the GIL, so that other threads, such as an event loop's, can run.
    yield from compiled.finditer(text, timeout=_PASSAGE_SECONDS, concurrent=True)


def _sentences(compiled: regex.Pattern[str], text: str) -> Iterator[str]:
    """Yield the sentences with a match; sentences that one match spans are joined."""
    try:
        spans = sorted(match.span() for match in _matches(compiled, text))
    except TimeoutError as err:
        msg = (
            f"{compiled.pattern!r} takes too long on one passage. Avoid repetitions within "
            "repetitions such as (a+)+, or search for a phrase."
        )
        raise InvalidArgumentError(msg) from err
    excerpt: tuple[int, int] | None = None
    for start, end in sentence_spans(text) if spans else ():
        if _match_between(spans, start, end) is None:
            continue
        if excerpt and _match_between(spans, start, excerpt[1]):
            excerpt = excerpt[0], end  # The match began in the sentence before.
            continue
        if excerpt:
            yield _shorten(text, excerpt, spans)
        excerpt = start, end
    if excerpt:
        yield _shorten(text, excerpt, spans)


def _match_between(spans: list[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """Return the last match that begins before `end`, if it ends after `start`."""
    index = bisect_left(spans, (end,)) - 1
    return spans[index] if index >= 0 and spans[index][1] > start else None


def _shorten(text: str, excerpt: tuple[int, int], spans: list[tuple[int, int]]) -> str:
    """Return the excerpt, or only the text around a match if the excerpt is too long."""
    start, end = excerpt
    match = _match_between(spans, start, end)
    if match is None or end - start <= _LONGEST_SENTENCE:
        return text[start:end]
    left = max(start, match[0] - _LONGEST_SENTENCE // 2)
    right = min(end, left + _LONGEST_SENTENCE)
    part = text[left:right]
    if left > start:
        part = f"… {part.partition(' ')[2] or part}"
    return f"{part.rpartition(' ')[0] or part} …" if right < end else part

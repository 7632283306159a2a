"""Exact phrases and regular expressions in the passages of a page or of a whole index."""

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
# Longest processor time on one passage in seconds: a sound pattern takes microseconds.
_PASSAGE_SECONDS = 0.25
_LONGEST_SENTENCE = 600
# What stands over letters that Unicode has in no other way, such as the stress of Пу́шкин.
_STRESS = re.compile("[\u0300-\u036f]")
_ASCII_WORD = re.compile("[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that holds what was looked for.

    Attributes:
        passage: The passage.
        sentences: The sentences of it that do, in order; of one that is longer than 600 characters,
            what stands around the match.
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
        InvalidArgumentError: If the pattern is empty, too long or not a regular expression, repeats
            too much, matches the empty string, or takes too long on one passage.
    """
    condition, parameters = ("1", []) if is_regex else _prefilter(_one_form(pattern))
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
    """Look for a phrase or a regular expression in some passages; see `find_text`.

    Args:
        passages: The passages, in the order of the hits.
        pattern: The phrase or expression.
        is_regex: Whether it is an expression.
        limit: How many passages to return at most.
        seconds: How long to look at most.

    Returns:
        What was found.

    Raises:
        InvalidArgumentError: As `find_text`.
    """
    compiled = _compiled(_one_form(pattern), is_regex)
    deadline = monotonic() + seconds
    hits: list[Hit] = []
    for passage in passages:
        if monotonic() > deadline:
            return Hits(hits, complete=False, timed_out=True)
        sentences = tuple(_sentences(compiled, _one_form(passage.text)))
        if sentences and len(hits) == limit:
            return Hits(hits, complete=False, timed_out=False)
        if sentences:
            hits.append(Hit(passage, sentences))
    return Hits(hits, complete=True, timed_out=False)


def _one_form(text: str) -> str:
    """A text in the form of Unicode that is typed, without stress marks over letters."""
    if text.isascii():
        return text
    return _STRESS.sub("", unicodedata.normalize("NFC", text))


def _compiled(pattern: str, is_regex: bool) -> regex.Pattern[str]:
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


def _prefilter(phrase: str) -> tuple[str, list[str]]:
    """A condition that every passage with the phrase meets, quick to test in SQL."""
    # LIKE knows the cases of ASCII letters only; its time explodes with several "%" in one.
    longest = sorted(_ASCII_WORD.findall(phrase), key=len, reverse=True)[:3]
    condition = " AND ".join(["text LIKE ?"] * len(longest)) or "1"
    return condition, [f"%{word}%" for word in longest]


def _matches(compiled: regex.Pattern[str], text: str) -> Iterator[regex.Match[str]]:
    # Concurrent: other threads, such as an event loop's, run meanwhile.
    yield from compiled.finditer(text, timeout=_PASSAGE_SECONDS, concurrent=True)


def _sentences(compiled: regex.Pattern[str], text: str) -> Iterator[str]:
    """The sentences of a text in which the expression matches, or across which it does."""
    try:
        spans = sorted(match.span() for match in _matches(compiled, text))
    except TimeoutError as err:
        msg = (
            f"{compiled.pattern!r} takes too long on one passage. Avoid repetitions within "
            "repetitions such as (a+)+, or look for a phrase."
        )
        raise InvalidArgumentError(msg) from err
    run: tuple[int, int] | None = None
    for start, end in sentence_spans(text) if spans else ():
        if _match_between(spans, start, end) is None:
            continue
        if run and _match_between(spans, start, run[1]):  # It goes on from the sentence before.
            run = run[0], end
            continue
        if run:
            yield _around(text, run, spans)
        run = start, end
    if run:
        yield _around(text, run, spans)


def _match_between(spans: list[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """The last match that begins before `end`, if it ends after `start`."""
    index = bisect_left(spans, (end,)) - 1
    return spans[index] if index >= 0 and spans[index][1] > start else None


def _around(text: str, run: tuple[int, int], spans: list[tuple[int, int]]) -> str:
    """The sentences of a run, or where they are too long what stands around a match in them."""
    start, end = run
    match = _match_between(spans, start, end)
    if match is None or end - start <= _LONGEST_SENTENCE:
        return text[start:end]
    left = max(start, match[0] - _LONGEST_SENTENCE // 2)
    right = min(end, left + _LONGEST_SENTENCE)
    part = text[left:right]
    if left > start:
        part = f"… {part.partition(' ')[2] or part}"
    return f"{part.rpartition(' ')[0] or part} …" if right < end else part

"""A wiki that is asked for a few pages instead of being indexed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, Protocol
from urllib.parse import unquote

from wikirank._cancellation import check_cancelled
from wikirank._util import ForkSafeLock
from wikirank.errors import SourceConnectionError
from wikirank.types import Article

MOST_PAGE_CHARS = 500_000
"""Longest text of one page that is cut into passages for a question."""

_ENOUGH = 3
_WORD = re.compile(r"\w+")
_LONGEST_WORDS = 100
_RANK_CONSTANT = 1
# What being found at all counts: some searches, as MediaWiki's own over SQLite, do not rank.
_MEMBERSHIP = 0.5
_LEAST_WEIGHT = 0.1
_LOOK_EVERY = 0.1  # seconds, whether anybody still waits for the answer


@dataclass(frozen=True, slots=True)
class FoundPages:
    """Pages that a wiki's own search found.

    Attributes:
        articles: Their texts, best first.
        notes: What was left out, and why: a wiki that was too slow, a page that was too long.
    """

    articles: list[Article]
    notes: list[str] = field(default_factory=list)


class TitleList(NamedTuple):
    """Some titles in the order of their list.

    Attributes:
        titles: The titles, none twice, none empty.
        after: What to go on after; None at the end.
    """

    titles: list[str]
    after: str | None


@dataclass(frozen=True, slots=True)
class TitleQuery:
    """Which titles to list: all, or those of one kind.

    Attributes:
        prefix: How the titles begin; empty for any.
        category: A category that the pages are in; empty for any.
        links_to: A page that the pages link to; empty for any.
        links_from: A page that links to the pages; empty for any.
        after: Where to go on: the `after` of the list before; empty to begin.
        limit: How many titles at most.
    """

    prefix: str = ""
    category: str = ""
    links_to: str = ""
    links_from: str = ""
    after: str = ""
    limit: int = 50

    @property
    def kinds(self) -> list[str]:
        """Names of the conditions that are given."""
        names = ("prefix", "category", "links_to", "links_from")
        return [name for name in names if getattr(self, name)]


class LiveWiki(Protocol):
    """A wiki that can be searched by its own search."""

    @property
    def name(self) -> str:
        """What citations call it."""
        ...

    def find_pages(
        self,
        phrases: Sequence[str],
        limit: int,
        deadline: float,
        *,
        words: Sequence[str] = (),
        titles: Sequence[str] = (),
    ) -> FoundPages:
        """Find pages and read them.

        Args:
            phrases: What to look for, the most telling first.
            limit: How many pages to read at most.
            deadline: When to stop, by `time.monotonic`; what has been read by then is returned.
            words: Words to look for one by one, the most telling first.
            titles: Titles that a page may have; those that none has do no harm.

        Returns:
            The pages; none where nothing is found.

        Raises:
            CorpusError: The wiki cannot be read at all.
        """
        ...

    def read_page(self, name: str, deadline: float) -> Article | None:
        """The page of a title or address; None if there is none.

        Args:
            name: The title or address.
            deadline: When to stop, by `time.monotonic`.

        Returns:
            The page.

        Raises:
            CorpusError: The wiki cannot be read, or the page is too long.
        """
        ...

    def titles_like(self, name: str, count: int, deadline: float) -> list[str]:
        """Titles that a wrong one may have meant, best first.

        Args:
            name: The title that no page has.
            count: How many at most.
            deadline: When to stop, by `time.monotonic`.

        Returns:
            The titles.

        Raises:
            CorpusError: The wiki cannot be read.
        """
        ...

    def list_titles(self, query: TitleQuery, deadline: float) -> TitleList:
        """List titles of pages.

        Args:
            query: Which.
            deadline: When to stop, by `time.monotonic`.

        Returns:
            The titles.

        Raises:
            CorpusError: The wiki cannot be read.
            InvalidArgumentError: The wiki cannot list by this, or by several conditions at once.
        """
        ...


@contextmanager
def in_turn(lock: ForkSafeLock, name: str, deadline: float) -> Iterator[None]:
    """One question at a time to a wiki that is not asked several at once.

    Args:
        lock: Held by the question whose turn it is.
        name: What the wiki is called.
        deadline: When to stop waiting for other questions, by `time.monotonic`.

    Yields:
        When it is this question's turn.

    Raises:
        CancelledError: Nobody waits for the answer any more.
        SourceConnectionError: Other questions took all the time.
    """
    while not lock.acquire(timeout=min(_LOOK_EVERY, max(0.0, deadline - monotonic()))):
        check_cancelled()
        if monotonic() >= deadline:
            msg = f"{name} is still asked other questions. Allow more seconds, or try again."
            raise SourceConnectionError(msg)
    try:
        yield
    finally:
        lock.release()


def too_long(title: str) -> str:
    """What is said of a page that is left out for its length."""
    return f"{title!r} is too long to be read for one question."


def wrong_title_words(name: str) -> str:
    """The words of a title or address that no page has, to look for; 100 characters at most."""
    last = unquote(name.partition("#")[0].rpartition("/")[2]).replace("_", " ")
    return " ".join(_WORD.findall(last))[:_LONGEST_WORDS].strip()


class SearchHits(NamedTuple):
    """What a wiki's search found for some words.

    Attributes:
        titles: Pages, best first.
        total: How many pages have the words.
        suggested: Pages of titles that begin so, best first.
    """

    titles: Sequence[str]
    total: int
    suggested: Sequence[str] = ()


class Ranking:
    """Pages that several searches found, those of several, of rare words and of high places first.

    Measured on 30 questions each of SQuAD and Natural Questions over 2,000 pages of a MediaWiki,
    the page that answers is among the first ten for 27 and 20, each search giving 500 pages; for 18
    and 14 with ten pages each and places alone.

    Args:
        pages: How many pages the wiki has.
    """

    def __init__(self, pages: int) -> None:
        self._pages = max(1, pages)
        self._scores: dict[str, float] = {}

    def add(self, pages: Iterable[str], *, total: int = 0, words: int = 1) -> None:
        """Add what one search found.

        Args:
            pages: Pages, best first.
            total: How many pages have the words: the fewer, the more they tell.
            words: How many words they are.
        """
        weight = words * max(_LEAST_WEIGHT, math.log((self._pages + 1) / (total + 1)))
        for place, page in enumerate(pages, start=1):
            score = weight * (_MEMBERSHIP + 1 / (_RANK_CONSTANT + place))
            self._scores[page] = self._scores.get(page, 0.0) + score

    def ask(
        self,
        phrases: Sequence[str],
        words: Sequence[str],
        search: Callable[[str], SearchHits],
        *,
        all_words: bool,
    ) -> list[str]:
        """Ask a search phrase by phrase, then word by word.

        Args:
            phrases: The question and its telling words, which are always asked, then others,
                asked while too little was found.
            words: Words to ask one by one.
            search: Asks the wiki.
            all_words: Whether words are asked although the phrases found enough.

        Returns:
            What was left out, and why.

        Raises:
            SourceConnectionError: The search failed before it found anything.
        """
        try:
            for number, phrase in enumerate(phrases):
                if number > 1 and len(self._scores) >= _ENOUGH:
                    break
                self._add_hits(search(phrase), len(phrase.split()))
            if all_words or len(self._scores) < _ENOUGH:
                for word in words:
                    self._add_hits(search(word), 1)
        except SourceConnectionError as err:
            if not self._scores:
                raise
            return [f"The wiki was too slow for every phrasing: {err}"]
        return []

    def _add_hits(self, hits: SearchHits, words: int) -> None:
        self.add(hits.titles, total=hits.total, words=words)
        self.add(hits.suggested, total=hits.total)

    def best(self) -> list[str]:
        """The pages, best first."""
        return sorted(self._scores, key=lambda page: -self._scores[page])

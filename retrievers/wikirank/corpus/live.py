"""Search a wiki by its own search, without an index."""

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

MAX_PAGE_CHARS = 500_000
"""Pages with a longer text are left out."""

_ENOUGH_PAGES = 3
_WORD = re.compile(r"\w+")
_MAX_WORDS_CHARS = 100
_RANK_CONSTANT = 1
# Score of any page found: some searches do not rank, such as MediaWiki's own with SQLite.
_MEMBERSHIP = 0.5
_MIN_WEIGHT = 0.1
_CANCEL_CHECK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class FoundPages:
    """Pages found by a wiki's own search.

    Attributes:
        articles: The pages, best first.
        notes: What was left out and why, such as a page that is too long.
    """

    articles: list[Article]
    notes: list[str] = field(default_factory=list)


class TitleList(NamedTuple):
    """One part of a list of titles.

    Attributes:
        titles: Distinct titles in the wiki's order, none empty.
        after: Pass it as `TitleQuery.after` to get the next part; None at the end.
    """

    titles: list[str]
    after: str | None


@dataclass(frozen=True, slots=True)
class TitleQuery:
    """Which titles to list: all, or those that meet one condition.

    Attributes:
        prefix: Only titles that begin with this; empty for any.
        category: Only pages in this category; empty for any.
        links_to: Only pages that link to this page; empty for any.
        links_from: Only pages that this page links to; empty for any.
        after: The `after` of the previous part; empty for the first part.
        limit: Maximum number of titles.
    """

    prefix: str = ""
    category: str = ""
    links_to: str = ""
    links_from: str = ""
    after: str = ""
    limit: int = 50

    @property
    def kinds(self) -> list[str]:
        """Names of the conditions that are set."""
        names = ("prefix", "category", "links_to", "links_from")
        return [name for name in names if getattr(self, name)]


class LiveWiki(Protocol):
    """A wiki that is searched by its own search."""

    @property
    def name(self) -> str:
        """Name of the wiki in citations."""
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
            phrases: Phrases to search for, the most specific first.
            limit: Maximum number of pages to read.
            deadline: When to stop, by `time.monotonic`; pages read by then are returned.
            words: Words to search for one by one, the most specific first.
            titles: Titles that a relevant page may have; titles without a page are ignored.

        Returns:
            The pages; empty if nothing is found.

        Raises:
            CorpusError: If the wiki cannot be read at all.
        """
        ...

    def read_page(self, name: str, deadline: float) -> Article | None:
        """Read the page with a title or URL.

        Args:
            name: Title or URL.
            deadline: When to give up, by `time.monotonic`.

        Returns:
            The page; None if there is none.

        Raises:
            CorpusError: If the wiki cannot be read, or the page is too long.
        """
        ...

    def titles_like(self, name: str, count: int, deadline: float) -> list[str]:
        """Suggest titles for one that no page has.

        Args:
            name: The wrong title or URL.
            count: Maximum number of titles.
            deadline: When to give up, by `time.monotonic`.

        Returns:
            Titles of pages, best first.

        Raises:
            CorpusError: If the wiki cannot be read.
        """
        ...

    def list_titles(self, query: TitleQuery, deadline: float) -> TitleList:
        """List titles of pages.

        Args:
            query: Which titles.
            deadline: When to give up, by `time.monotonic`.

        Returns:
            The titles.

        Raises:
            CorpusError: If the wiki cannot be read.
            InvalidArgumentError: If the wiki does not support the condition, or several at once.
        """
        ...


@contextmanager
def in_turn(lock: ForkSafeLock, name: str, deadline: float) -> Iterator[None]:
    """Hold the lock of a wiki that answers one question at a time.

    Args:
        lock: The wiki's lock.
        name: Name of the wiki, for the message.
        deadline: When to stop waiting for the lock, by `time.monotonic`.

    Yields:
        Once the lock is held.

    Raises:
        CancelledError: If the question was cancelled.
        SourceConnectionError: If other questions held the lock until the deadline.
    """
    while not lock.acquire(timeout=min(_CANCEL_CHECK_SECONDS, max(0.0, deadline - monotonic()))):
        check_cancelled()
        if monotonic() >= deadline:
            msg = f"{name} is busy with other questions. Allow more seconds, or try again."
            raise SourceConnectionError(msg)
    try:
        yield
    finally:
        lock.release()


def too_long_note(title: str) -> str:
    """Return the note on a page that is left out because of its length."""
    return f"{title!r} is too long to be read for one question."


def words_of_title(name: str) -> str:
    """Return the words of a title or URL, at most 100 characters, to search for."""
    last = unquote(name.partition("#")[0].rpartition("/")[2]).replace("_", " ")
    return " ".join(_WORD.findall(last))[:_MAX_WORDS_CHARS].strip()


class SearchHits(NamedTuple):
    """Result of one search of a wiki.

    Attributes:
        titles: Pages found, best first.
        total: How many pages match in all.
        suggested: Pages whose titles begin with the words, best first.
    """

    titles: Sequence[str]
    total: int
    suggested: Sequence[str] = ()


class Ranking:
    """Fuses the results of several searches.

    A page scores high if several searches found it, if their words are rare, and if it ranks high.
    Measured on 30 questions each of SQuAD and Natural Questions over 2,000 pages of a MediaWiki:
    the page with the answer is among the first ten for 27 and 20 questions with 500 pages per
    search, and for 18 and 14 with ten pages per search and ranks alone.

    Args:
        pages: Number of pages in the wiki.
    """

    def __init__(self, pages: int) -> None:
        self._pages = max(1, pages)
        self._scores: dict[str, float] = {}

    def add(self, pages: Iterable[str], *, total: int = 0, words: int = 1) -> None:
        """Add the result of one search.

        Args:
            pages: Pages found, best first.
            total: How many pages match in all; rarer words get more weight.
            words: Number of words searched for.
        """
        weight = words * max(_MIN_WEIGHT, math.log((self._pages + 1) / (total + 1)))
        for rank, page in enumerate(pages, start=1):
            score = weight * (_MEMBERSHIP + 1 / (_RANK_CONSTANT + rank))
            self._scores[page] = self._scores.get(page, 0.0) + score

    def search(
        self,
        phrases: Sequence[str],
        words: Sequence[str],
        search: Callable[[str], SearchHits],
        *,
        all_words: bool,
    ) -> list[str]:
        """Search for the phrases, then for the words, and add the results.

        Args:
            phrases: The first two are always searched for, the others only until enough pages
                are found.
            words: Words to search for one by one.
            search: Searches the wiki.
            all_words: Whether to search for the words even if the phrases found enough pages.

        Returns:
            Notes on what was left out and why.

        Raises:
            SourceConnectionError: If the search failed before anything was found.
        """
        try:
            for number, phrase in enumerate(phrases):
                if number > 1 and len(self._scores) >= _ENOUGH_PAGES:
                    break
                self._add_hits(search(phrase), len(phrase.split()))
            if all_words or len(self._scores) < _ENOUGH_PAGES:
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
        """Return the pages, best first."""
        return sorted(self._scores, key=lambda page: -self._scores[page])

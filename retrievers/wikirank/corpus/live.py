"""A wiki that is asked for a few pages instead of being indexed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from urllib.parse import unquote

from wikirank.errors import SourceConnectionError
from wikirank.types import Article

MOST_PAGE_CHARS = 500_000
"""Longest text of one page that is cut into passages for a question."""

_ENOUGH = 3
_WORD = re.compile(r"\w+")
_LONGEST_WORDS = 100
_RANK_CONSTANT = 10


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
        self, phrases: Sequence[str], limit: int, deadline: float, titles: Sequence[str] = ()
    ) -> FoundPages:
        """Find pages and read them.

        Args:
            phrases: What to look for, the most telling first.
            limit: How many pages to read at most.
            deadline: When to stop, by `time.monotonic`; what has been read by then is returned.
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


def wrong_title_words(name: str) -> str:
    """What to look for where no page has a title or an address: its words, 100 characters at most.

    Args:
        name: The title or address.

    Returns:
        The words; of an address those of its last part.
    """
    last = unquote(name.partition("#")[0].rpartition("/")[2]).replace("_", " ")
    return " ".join(_WORD.findall(last))[:_LONGEST_WORDS].strip()


class Ranking:
    """Pages that several searches found, those of several and of high places first.

    Reciprocal rank fusion, in which a later phrasing counts a little less than an earlier one.
    """

    def __init__(self) -> None:
        self._scores: dict[str, float] = {}

    def add(self, found: Iterable[str], penalty: int = 0) -> None:
        """Add what one search found, best first."""
        for place, page in enumerate(found, start=1):
            score = 1 / (_RANK_CONSTANT + place + penalty)
            self._scores[page] = self._scores.get(page, 0.0) + score

    def add_phrases(
        self, phrases: Sequence[str], search: Callable[[str], Iterable[Iterable[str]]]
    ) -> list[str]:
        """Ask a search phrase by phrase.

        Args:
            phrases: The question and its telling words, which are always asked, then others,
                asked while too little was found.
            search: Gives what was found for a phrase: a list, best first, of each of its indexes.

        Returns:
            What was left out, and why.

        Raises:
            SourceConnectionError: The search failed before it found anything.
        """
        for number, phrase in enumerate(phrases):
            if number > 1 and len(self._scores) >= _ENOUGH:
                break
            try:
                for found in search(phrase):
                    self.add(found, number)
            except SourceConnectionError as err:
                if not self._scores:
                    raise
                return [f"The wiki was too slow for every phrasing: {err}"]
        return []

    def best(self) -> list[str]:
        """The pages, best first."""
        return sorted(self._scores, key=lambda page: -self._scores[page])

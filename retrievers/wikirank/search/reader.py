"""The pages of a wiki by name, as tools read them: of an index, or of a wiki that has none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from wikirank.corpus.live import TitleList, TitleQuery
from wikirank.index.index import WikiIndex
from wikirank.index.store import PassageStore
from wikirank.search.pages import Page, find_pages, nearest_titles, page_passages, sections_like
from wikirank.search.phrases import Hits, find_text
from wikirank.search.titles import list_titles
from wikirank.types import Passage


class PageReader(ABC):
    """Pages by name, exact words, and titles.

    Attributes:
        has_filters: Whether searches may be narrowed to a page, a section, or metadata.
    """

    has_filters: bool

    @property
    @abstractmethod
    def filter_keys(self) -> frozenset[str]:
        """Keys that a filter may name; none where nothing can be filtered."""

    @abstractmethod
    def find(self, name: str) -> list[Page]:
        """Pages of a title or address: none, or several where sources share the title."""

    @abstractmethod
    def nearest_titles(self, name: str) -> list[str]:
        """Titles that a wrong one may have meant, best first."""

    @abstractmethod
    def passages(self, page: Page) -> list[Passage]:
        """The passages of a page in reading order."""

    @abstractmethod
    def sections_like(self, name: str) -> list[str]:
        """The section paths of the whole wiki that lie in a section of this name."""

    @abstractmethod
    def find_text(self, pattern: str, *, is_regex: bool, page: Page | None) -> Hits:
        """Where a phrase or a regular expression stands; see `find_text` of `search.phrases`."""

    @abstractmethod
    def list_titles(self, query: TitleQuery, where: Mapping[str, Any] | None = None) -> TitleList:
        """Titles of pages, and what to go on after."""


class IndexReader(PageReader):
    """Pages of an index.

    Args:
        index: The index.
    """

    has_filters = True

    def __init__(self, index: WikiIndex) -> None:
        self._index = index

    @property
    def _store(self) -> PassageStore:
        """The passages, as they are now."""
        self._index.sync()
        return self._index.store

    @property
    @override
    def filter_keys(self) -> frozenset[str]:
        return self._store.known_keys()

    @override
    def find(self, name: str) -> list[Page]:
        return find_pages(self._store, name)

    @override
    def nearest_titles(self, name: str) -> list[str]:
        self._index.sync()
        return nearest_titles(self._index, name)

    @override
    def passages(self, page: Page) -> list[Passage]:
        return page_passages(self._store, page)

    @override
    def sections_like(self, name: str) -> list[str]:
        return sections_like(self._store, name)

    @override
    def find_text(self, pattern: str, *, is_regex: bool, page: Page | None) -> Hits:
        return find_text(self._store, pattern, is_regex=is_regex, page=page)

    @override
    def list_titles(self, query: TitleQuery, where: Mapping[str, Any] | None = None) -> TitleList:
        self._index.sync()
        return list_titles(self._index, query, where)

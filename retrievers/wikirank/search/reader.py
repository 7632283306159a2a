"""Pages by name, as tools read them: from an index, or from a live wiki."""

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
    """Reads pages by name, finds exact text, and lists titles.

    Attributes:
        has_filters: Whether a search can be limited to a page, a section, or metadata.
    """

    has_filters: bool

    @property
    @abstractmethod
    def filter_keys(self) -> frozenset[str]:
        """Metadata keys that a filter may name; empty if filters are not supported."""

    @abstractmethod
    def find(self, name: str) -> list[Page]:
        """Look up pages by title or address; several if sources share the title."""

    @abstractmethod
    def nearest_titles(self, name: str) -> list[str]:
        """Suggest titles for one that was not found, best first."""

    @abstractmethod
    def passages(self, page: Page) -> list[Passage]:
        """Return the passages of a page in reading order."""

    @abstractmethod
    def sections_like(self, name: str) -> list[str]:
        """Return the paths of all sections in the wiki with this name, or below one."""

    @abstractmethod
    def find_text(self, pattern: str, *, is_regex: bool, page: Page | None) -> Hits:
        """Search for a phrase or a regular expression; see `wikirank.search.phrases.find_text`."""

    @abstractmethod
    def list_titles(self, query: TitleQuery, where: Mapping[str, Any] | None = None) -> TitleList:
        """List titles of pages; the result says where the next call continues."""


class IndexReader(PageReader):
    """Reads pages from an index."""

    has_filters = True

    def __init__(self, index: WikiIndex) -> None:
        self._index = index

    @property
    def _store(self) -> PassageStore:
        """The store, after a look for changes by other processes."""
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

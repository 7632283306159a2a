"""Pages of a live wiki without an index, as tools read them."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from typing_extensions import override

from wikirank.corpus.live import LiveWiki, TitleList, TitleQuery
from wikirank.errors import InvalidArgumentError
from wikirank.passages.cut import article_passages
from wikirank.passages.splitters import SentenceSplitter
from wikirank.search.pages import Page
from wikirank.search.phrases import Hits, find_in
from wikirank.search.reader import PageReader
from wikirank.types import Article, Passage


class LiveReader(PageReader):
    """Reads pages from a live wiki on demand.

    Args:
        wiki: The wiki.
        pages: Maximum number of pages to search for exact text.
        seconds: Time limit for one answer of the wiki.
    """

    has_filters = False

    def __init__(self, wiki: LiveWiki, *, pages: int = 10, seconds: float = 20.0) -> None:
        self._wiki = wiki
        self._pages = pages
        self._seconds = seconds

    @property
    @override
    def filter_keys(self) -> frozenset[str]:
        return frozenset()

    @override
    def find(self, name: str) -> list[Page]:
        article = self._wiki.read_page(name, self._deadline())
        return [] if article is None else [self._page(article)]

    @override
    def nearest_titles(self, name: str) -> list[str]:
        return self._wiki.titles_like(name, 5, self._deadline())

    @override
    def passages(self, page: Page) -> list[Passage]:
        article = self._wiki.read_page(page.title, self._deadline())
        return [] if article is None else cut_live(article, self._wiki.name)

    @override
    def sections_like(self, name: str) -> list[str]:
        raise needs_index(setting="section")

    @override
    def find_text(self, pattern: str, *, is_regex: bool, page: Page | None) -> Hits:
        if page is not None:
            return find_in(self.passages(page), pattern, is_regex=is_regex)
        if is_regex:
            msg = (
                "Expected a title with an expression, because the wiki is not indexed. "
                "Give a title."
            )
            raise InvalidArgumentError(msg)
        words = pattern.replace('"', " ").strip()
        queries = [f'"{words}"', words]
        pages = self._wiki.find_pages(queries, self._pages, self._deadline(), titles=[words])
        passages = (p for article in pages.articles for p in cut_live(article, self._wiki.name))
        hits = find_in(passages, pattern)
        all_read = len(pages.articles) < self._pages and not pages.notes
        return Hits(hits.hits, hits.complete and all_read, hits.timed_out)

    @override
    def list_titles(self, query: TitleQuery, where: Mapping[str, Any] | None = None) -> TitleList:
        if where:
            raise needs_index(setting="filter")
        return self._wiki.list_titles(query, self._deadline())

    def _deadline(self) -> float:
        return monotonic() + self._seconds

    def _page(self, article: Article) -> Page:
        return Page(self._wiki.name, article.url or article.title, article.title)


def cut_live(article: Article, source: str) -> list[Passage]:
    """Cut an article of a live wiki into passages, in reading order."""
    key = article.url or article.title
    return article_passages(article, source=source, key=key, splitter=SentenceSplitter())


def needs_index(setting: str) -> InvalidArgumentError:
    """Return the error for a setting that works only with an index."""
    return InvalidArgumentError(
        f"Expected no {setting} for a wiki that is not indexed. Index it: wikirank index."
    )

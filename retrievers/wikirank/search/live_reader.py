"""The pages of a wiki that is not indexed, as tools read them."""

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
    """Pages of a wiki that is asked for them, one question at a time.

    Args:
        wiki: The wiki.
        pages: How many pages to look through for exact words.
        seconds: How long the wiki may take for an answer.
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
        setting = "section"
        raise needs_index(setting)

    @override
    def find_text(self, pattern: str, *, is_regex: bool, page: Page | None) -> Hits:
        if page is not None:
            return find_in(self.passages(page), pattern, is_regex=is_regex)
        if is_regex:
            msg = "Expected a title with an expression, as the wiki is not indexed. Give a title."
            raise InvalidArgumentError(msg)
        words = pattern.replace('"', " ").strip()
        searched = [f'"{words}"', words]
        found_pages = self._wiki.find_pages(searched, self._pages, self._deadline(), titles=[words])
        passages = (
            p for article in found_pages.articles for p in cut_live(article, self._wiki.name)
        )
        hits = find_in(passages, pattern)
        all_read = len(found_pages.articles) < self._pages and not found_pages.notes
        return Hits(hits.hits, hits.complete and all_read, hits.timed_out)

    @override
    def list_titles(self, query: TitleQuery, where: Mapping[str, Any] | None = None) -> TitleList:
        if where:
            setting = "filter"
            raise needs_index(setting)
        return self._wiki.list_titles(query, self._deadline())

    def _deadline(self) -> float:
        return monotonic() + self._seconds

    def _page(self, article: Article) -> Page:
        return Page(self._wiki.name, article.url or article.title, article.title)


def cut_live(article: Article, source: str) -> list[Passage]:
    """The passages, in reading order, of an article of a wiki that is not indexed."""
    key = article.url or article.title
    return article_passages(article, source=source, key=key, splitter=SentenceSplitter())


def needs_index(setting: str) -> InvalidArgumentError:
    """The error for a setting that only an index can heed."""
    msg = f"Expected no {setting} for a wiki that is not indexed. Index it: wikirank index."
    return InvalidArgumentError(msg)

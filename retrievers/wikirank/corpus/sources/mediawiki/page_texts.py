"""Read the texts of pages of a live wiki from a cache, or in small batches from the wiki."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from time import monotonic

from wikirank._cancellation import check_cancelled
from wikirank._util import chunks
from wikirank.corpus.live import MAX_PAGE_CHARS, too_long_note
from wikirank.corpus.page_cache import PageCache, RecentPages
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.pages import Page
from wikirank.corpus.sources.mediawiki.readers import WikitextReader
from wikirank.corpus.sources.mediawiki.site import Site
from wikirank.errors import SourceConnectionError
from wikirank.types import Article

# Wikitext is longer than the plain text because of templates, references and tables.
_MAX_PAGE_BYTES = 4 * MAX_PAGE_CHARS
_MAX_BYTES = 8_000_000
# A slow wiki would not answer one request for all pages in time.
_PAGES_AT_ONCE = 5


class PageTexts:
    """Reads pages, each revision only once.

    Args:
        client: Client of the wiki.
        cache: Cache on disk; None caches pages only in memory.
    """

    def __init__(self, client: ApiClient, cache: PageCache | None) -> None:
        self._client = client
        self._cache = cache
        self._recent = RecentPages()

    def read(self, pages: Sequence[Page], site: Site, notes: list[str]) -> list[Article]:
        """Read pages until the client's deadline.

        Args:
            pages: Existing pages, best first.
            site: Information about the wiki.
            notes: Receives notes on what was left out and why.

        Returns:
            The articles, in order.

        Raises:
            CorpusError: If the wiki cannot be read.
            SourceConnectionError: If no page could be read in time.
        """
        short_pages = _select_short(pages, notes)
        versions = {page.id: WikitextReader.version(page) for page in short_pages}
        articles = self._cached(versions)
        missing = [page for page in short_pages if page.id not in articles]
        try:
            for batch in chunks(missing, _PAGES_AT_ONCE):
                fetched = self._fetch(batch, site, notes)
                articles.update(fetched)
                self._store(fetched)
        except SourceConnectionError as err:
            if not articles:
                raise
            left = sum(page.id not in articles for page in short_pages)
            notes.append(f"The wiki was too slow for {left} of {len(short_pages)} pages: {err}")
        return [articles[page.id] for page in short_pages if page.id in articles]

    def _cached(self, versions: dict[int, str]) -> dict[int, Article]:
        articles = self._recent.get(versions)
        missing = {page: version for page, version in versions.items() if page not in articles}
        if self._cache and missing:
            on_disk = self._cache.get(missing)
            self._recent.put(on_disk)
            articles.update(on_disk)
        return articles

    def _store(self, articles: dict[int, Article]) -> None:
        self._recent.put(articles)
        if self._cache:
            self._cache.put(articles)

    def _fetch(self, batch: Sequence[Page], site: Site, notes: list[str]) -> dict[int, Article]:
        if monotonic() > self._client.until:
            msg = "the time for this question is over"
            raise SourceConnectionError(msg)
        ids = {page.url: page.id for page in batch}
        skipped: list[str] = []
        fetched: dict[int, Article] = {}
        for item in WikitextReader(self._client, site, Counter(), skipped).read(batch):
            check_cancelled()
            if not isinstance(item, Article):
                continue
            if len(item.text) > MAX_PAGE_CHARS:
                notes.append(too_long_note(item.title))
            elif item.url in ids:
                fetched[ids[item.url]] = item
        notes += [f"{title} was left out." for title in skipped]
        return fetched


def _select_short(pages: Sequence[Page], notes: list[str]) -> list[Page]:
    """Leave out pages that are too long, and those beyond the total length."""
    selected: list[Page] = []
    total = 0
    for page in pages:
        if page.length > _MAX_PAGE_BYTES:
            notes.append(too_long_note(page.title))
            continue
        total += page.length
        if total > _MAX_BYTES and selected:
            notes.append(f"{page.title!r} was left out: the pages before it are long enough.")
            continue
        selected.append(page)
    return selected

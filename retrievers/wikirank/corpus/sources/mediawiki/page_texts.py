"""The texts of a few pages of a live wiki: from memory, from disk, or a few a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from time import monotonic

from wikirank._cancellation import check_cancelled
from wikirank._util import chunks
from wikirank.corpus.live import MOST_PAGE_CHARS, too_long
from wikirank.corpus.page_cache import PageCache, RecentPages
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.pages import Page
from wikirank.corpus.sources.mediawiki.readers import WikitextReader
from wikirank.corpus.sources.mediawiki.site import Site
from wikirank.errors import SourceConnectionError
from wikirank.types import Article

# Wikitext is longer than the text that is read of it: by templates, references, tables.
_MOST_PAGE_BYTES = 4 * MOST_PAGE_CHARS
_MOST_BYTES = 8_000_000
# In one request with all, a wiki that is slow would give nothing in time.
_PAGES_AT_ONCE = 5


class PageTexts:
    """Reads pages, each revision once.

    Args:
        client: The wiki's client.
        cache: Where pages are kept on disk; None keeps them in memory alone.
    """

    def __init__(self, client: ApiClient, cache: PageCache | None) -> None:
        self._client = client
        self._cache = cache
        self._recent = RecentPages()

    def read(self, pages: Sequence[Page], site: Site, notes: list[str]) -> list[Article]:
        """Read pages, until the client's time is over.

        Args:
            pages: The pages, which exist, best first.
            site: What the wiki says of itself.
            notes: Takes what was left out, and why.

        Returns:
            Their articles, in order.

        Raises:
            CorpusError: The wiki cannot be read.
            SourceConnectionError: It gave no page in time.
        """
        short = _of_bounded_size(pages, notes)
        versions = {page.id: WikitextReader.version(page) for page in short}
        articles = self._kept(versions)
        missing = [page for page in short if page.id not in articles]
        try:
            for batch in chunks(missing, _PAGES_AT_ONCE):
                read = self._asked(batch, site, notes)
                articles.update(read)
                self._keep(read)
        except SourceConnectionError as err:
            if not articles:
                raise
            left = sum(page.id not in articles for page in short)
            notes.append(f"The wiki was too slow for {left} of {len(short)} pages: {err}")
        return [articles[page.id] for page in short if page.id in articles]

    def _kept(self, versions: dict[int, str]) -> dict[int, Article]:
        articles = self._recent.get(versions)
        missing = {page: version for page, version in versions.items() if page not in articles}
        if self._cache and missing:
            on_disk = self._cache.get(missing)
            self._recent.put(on_disk)
            articles.update(on_disk)
        return articles

    def _keep(self, articles: dict[int, Article]) -> None:
        self._recent.put(articles)
        if self._cache:
            self._cache.put(articles)

    def _asked(self, batch: Sequence[Page], site: Site, notes: list[str]) -> dict[int, Article]:
        if monotonic() > self._client.until:
            msg = "the time for this question is over"
            raise SourceConnectionError(msg)
        ids = {page.url: page.id for page in batch}
        hidden: list[str] = []
        read: dict[int, Article] = {}
        for item in WikitextReader(self._client, site, Counter(), hidden).read(batch):
            check_cancelled()
            if not isinstance(item, Article):
                continue
            if len(item.text) > MOST_PAGE_CHARS:
                notes.append(too_long(item.title))
            elif item.url in ids:
                read[ids[item.url]] = item
        notes += [f"{title} was left out." for title in hidden]
        return read


def _of_bounded_size(pages: Sequence[Page], notes: list[str]) -> list[Page]:
    """The pages that are short enough, and together are."""
    kept: list[Page] = []
    total = 0
    for page in pages:
        if page.length > _MOST_PAGE_BYTES:
            notes.append(too_long(page.title))
            continue
        total += page.length
        if total > _MOST_BYTES and kept:
            notes.append(f"{page.title!r} was left out: the pages before it are long enough.")
            continue
        kept.append(page)
    return kept

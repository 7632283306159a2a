"""Pages read from their wikitext, many at once: faster, but only we expand their templates."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wikirank.corpus.mediawiki.client import ApiClient
from wikirank.corpus.mediawiki.pages import Page
from wikirank.corpus.mediawiki.rendered import FAILED
from wikirank.corpus.mediawiki.site import Site
from wikirank.corpus.sources.changes import Removed, Unchanged
from wikirank.corpus.wikitext import NamespaceNames, read_wikitext
from wikirank.types import Article

_LOGGER = logging.getLogger(__name__)
_FORMAT = 1  # counts up when texts are made in another way, so that all are read anew


class WikitextReader:
    """Reads up to fifty pages a request.

    Args:
        client: The wiki's client.
        site: What the wiki calls its namespaces.
        skipped: Counts, by reason, the pages that are passed over.
    """

    def __init__(self, client: ApiClient, site: Site, skipped: Counter[str]) -> None:
        self._client = client
        self._names = NamespaceNames.of(site.namespaces)
        self._skipped = skipped

    @staticmethod
    def version(page: Page) -> str:
        """What the text depends on."""
        return f"wikitext {_FORMAT} {page.revision} {page.aliases_digest}"

    def read(self, pages: Sequence[Page]) -> Iterator[Article | Unchanged | Removed]:
        """Read pages.

        Args:
            pages: At most 50 pages, which exist.

        Yields:
            Their articles; what was deleted since, or cannot be read, instead.

        Raises:
            CorpusError: If the wiki answers with an error, does not let us read, or cannot be
                reached.
        """
        if not pages:
            return
        found: dict[int, Mapping[str, Any]] = {}
        for answer in self._client.batches(
            pageids="|".join(str(page.id) for page in pages),
            prop="revisions",
            rvprop="ids|content",
            rvslots="main",
        ):
            # A long answer comes in parts; each has all pages, and the revisions of some.
            for entry in answer.get("query", {}).get("pages", ()):
                if "pageid" in entry and entry["pageid"] not in found:
                    found[entry["pageid"]] = {}
                if entry.get("revisions"):
                    found[entry["pageid"]] = entry["revisions"][0]
        for page in pages:
            yield self._item(page, found.get(page.id))

    def _item(
        self, page: Page, revision: Mapping[str, Any] | None
    ) -> Article | Unchanged | Removed:
        if revision is None:
            return Removed(page.url)
        content = revision.get("slots", {}).get("main", {}).get("content")
        if content is None:
            _LOGGER.warning("%s is passed over: its text is hidden, or too long", page.title)
            self._skipped[FAILED] += 1
            return Unchanged(page.url)
        read = read_wikitext(content, title=page.title, names=self._names)
        return Article(
            title=page.title,
            text=read.text,
            url=page.url,
            revision=str(revision["revid"]),
            metadata=page.metadata(read),
            version=self.version(page),
        )

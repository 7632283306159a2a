"""Pages as their wiki renders them, or from their wikitext.

A wiki that renders expands templates, modules and extensions itself. From wikitext many pages are
read at once, which is faster, but only we expand their templates.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence

from wikirank.corpus.html import html_text
from wikirank.corpus.source import Removed, Unchanged
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.fields import Fields, entries, number, section, text
from wikirank.corpus.sources.mediawiki.http import ApiError
from wikirank.corpus.sources.mediawiki.pages import Page
from wikirank.corpus.sources.mediawiki.site import Site
from wikirank.corpus.wikitext import NamespaceNames, WikitextPage, read_wikitext
from wikirank.corpus.wikitext.kinds import page_kind
from wikirank.errors import CorpusError, SourceAccessError, SourceConnectionError
from wikirank.types import Article

_LOGGER = logging.getLogger(__name__)
# Count up when texts are made in another way, so that all are read again.
_WIKITEXT_FORMAT = 2
_RENDERED_FORMAT = 2


class WikitextReader:
    """Reads up to fifty pages a request.

    Args:
        client: The wiki's client.
        site: What the wiki calls its namespaces.
        skipped: Counts, by reason, the pages that are passed over.
        passed_over: Takes their titles, each with the reason.
    """

    def __init__(
        self, client: ApiClient, site: Site, skipped: Counter[str], passed_over: list[str]
    ) -> None:
        self._client = client
        self._passed_over = passed_over
        self._names = NamespaceNames.of(site.namespaces)
        self._skipped = skipped

    @staticmethod
    def version(page: Page) -> str:
        """What the text depends on."""
        return f"wikitext {_WIKITEXT_FORMAT} {page.revision} {page.aliases_digest}"

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
        revisions_by_page: dict[int, Fields] = {}
        for answer in self._client.batches(
            pageids="|".join(str(page.id) for page in pages),
            prop="revisions",
            rvprop="ids|content",
            rvslots="main",
        ):
            # A long answer comes in parts; each has all pages, and the revisions of some.
            for entry in entries(answer, "query", "pages"):
                if "pageid" not in entry:
                    continue
                revisions = entries(entry, "revisions")
                revisions_by_page.setdefault(number(entry, "pageid"), {})
                if revisions:
                    revisions_by_page[number(entry, "pageid")] = revisions[0]
        for page in pages:
            yield self._item(page, revisions_by_page.get(page.id))

    def _item(self, page: Page, revision: Fields | None) -> Article | Unchanged | Removed:
        if revision is None:
            return Removed(page.url)
        content = section(revision, "slots", "main").get("content")
        if not isinstance(content, str):
            _LOGGER.warning("%s is passed over: its text is hidden, or too long", page.title)
            self._skipped[FAILED] += 1
            self._passed_over.append(f"{page.title} ({FAILED})")
            return Unchanged(page.url)
        read = read_wikitext(content, title=page.title, names=self._names)
        return Article(
            title=page.title,
            text=read.text,
            url=page.url,
            revision=str(number(revision, "revid")),
            metadata=page.metadata(read),
            version=self.version(page),
        )


_GONE = frozenset({"nosuchpageid", "missingtitle"})
_FAILURES_IN_A_ROW = 5
FAILED = "the wiki fails to give its text"
DENIED = "not open to us"


class RenderedReader:
    """Reads pages one by one, as their readers see them.

    A page that the wiki fails on, or that it does not let us read, stays as the index has it; the
    fifth in a row ends the run, and the first one of all if it is not open to us.

    Args:
        client: The wiki's client.
        skipped: Counts, by reason, the pages that are passed over.
        passed_over: Takes their titles, each with the reason.
    """

    def __init__(self, client: ApiClient, skipped: Counter[str], passed_over: list[str]) -> None:
        self._client = client
        self._skipped = skipped
        self._passed_over = passed_over
        self._failures = 0
        self._has_read = False

    @staticmethod
    def version(page: Page) -> str:
        """What the text depends on, so far as a listing tells: also on templates."""
        return f"rendered {_RENDERED_FORMAT} {page.revision} {page.touched} {page.aliases_digest}"

    def read(self, pages: Sequence[Page]) -> Iterator[Article | Unchanged | Removed]:
        """Read pages.

        Args:
            pages: The pages, which exist.

        Yields:
            Their articles; what was deleted since, or cannot be read, instead.

        Raises:
            CorpusError: If the wiki fails on several pages in a row.
            SourceAccessError: If it does not let us read.
            SourceConnectionError: If it cannot be reached, or stays too busy.
        """
        for page in pages:
            yield self._read(page)

    def _read(self, page: Page) -> Article | Unchanged | Removed:
        try:
            article = self._article(page)
        except SourceConnectionError:
            raise
        except CorpusError as err:
            if isinstance(err, ApiError) and err.code in _GONE:
                return Removed(page.url)
            is_denied = isinstance(err, SourceAccessError)
            self._failures += 1
            if self._failures == _FAILURES_IN_A_ROW or (is_denied and not self._has_read):
                raise
            _LOGGER.warning("%s is passed over: %s", page.title, err)
            self._pass_over(page, DENIED if is_denied else FAILED)
            return Unchanged(page.url)
        self._failures = 0
        self._has_read = True
        return article

    def _pass_over(self, page: Page, reason: str) -> None:
        self._skipped[reason] += 1
        self._passed_over.append(f"{page.title} ({reason})")

    def _article(self, page: Page) -> Article:
        answer = self._client.call(
            action="parse",
            pageid=str(page.id),
            prop="text|categories|properties|templates|revid",
            disableeditsection="1",
            disablelimitreport="1",
            disabletoc="1",
        )
        parsed = section(answer, "parse")
        if not isinstance(parsed.get("text"), str):
            msg = f"The text of {page.url} is longer than the wiki's API gives: $wgAPIMaxResultSize"
            raise CorpusError(msg)
        read = _page(page.title, parsed)
        return Article(
            title=page.title,
            text=read.text,
            url=page.url,
            revision=str(parsed.get("revid") or page.revision),
            metadata=page.metadata(read),
            version=self.version(page),
        )


def _page(title: str, parsed: Fields) -> WikitextPage:
    """What `action=parse` says of a page, in the terms of those read from wikitext."""
    categories = tuple(
        text(entry, "category").replace("_", " ")
        for entry in entries(parsed, "categories")
        if not entry.get("hidden")
    )
    templates = [text(entry, "title") for entry in entries(parsed, "templates")]
    names = {title.partition(":")[2].lower() for title in templates}
    words = {"DISAMBIG"} if "disambiguation" in section(parsed, "properties") else set[str]()
    kind = page_kind(title, templates=names, magic_words=words, categories=categories)
    return WikitextPage(html_text(parsed["text"], title=title), categories, kind)

"""Read pages as their wiki renders them, or from their wikitext.

A rendered page has its templates, modules and extensions expanded by the wiki. Wikitext is faster,
because one request reads many pages, but then we must expand the templates and know only some.
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
# Increment when texts are made in another way, so that all pages are read again.
_WIKITEXT_FORMAT = 2
_RENDERED_FORMAT = 2


class WikitextReader:
    """Reads the wikitext of up to 50 pages per request.

    Args:
        client: Client of the wiki.
        site: Information about the wiki.
        skipped: Counts skipped pages by reason.
        passed_over: Receives the titles of skipped pages, each with the reason.
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
        """Return a string that changes whenever the article may change."""
        return f"wikitext {_WIKITEXT_FORMAT} {page.revision} {page.aliases_digest}"

    def read(self, pages: Sequence[Page]) -> Iterator[Article | Unchanged | Removed]:
        """Read pages.

        Args:
            pages: At most 50 existing pages.

        Yields:
            The articles; `Removed` for pages deleted since, `Unchanged` for unreadable ones.

        Raises:
            CorpusError: If the wiki answers with an error, denies access, or cannot be reached.
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
            # A long answer comes in parts; each lists all pages, but the revisions of only some.
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
            _LOGGER.warning("Skipping %s: its text is hidden or too long", page.title)
            self._skipped[FAILED] += 1
            self._passed_over.append(f"{page.title} ({FAILED})")
            return Unchanged(page.url)
        parsed = read_wikitext(content, title=page.title, names=self._names)
        return Article(
            title=page.title,
            text=parsed.text,
            url=page.url,
            revision=str(number(revision, "revid")),
            metadata=page.metadata(parsed),
            version=self.version(page),
        )


_GONE = frozenset({"nosuchpageid", "missingtitle"})
_MAX_FAILURES_IN_A_ROW = 5
FAILED = "the wiki fails to give its text"
DENIED = "not open to us"


class RenderedReader:
    """Reads pages one by one, as the wiki renders them.

    If the wiki fails on a page or denies access to it, the index keeps the page as it is. The fifth
    failure in a row raises the error. So does denied access before any page was read.

    Args:
        client: Client of the wiki.
        skipped: Counts skipped pages by reason.
        passed_over: Receives the titles of skipped pages, each with the reason.
    """

    def __init__(self, client: ApiClient, skipped: Counter[str], passed_over: list[str]) -> None:
        self._client = client
        self._skipped = skipped
        self._passed_over = passed_over
        self._failures = 0
        self._has_read = False

    @staticmethod
    def version(page: Page) -> str:
        """Return a string that changes whenever the article may change, also by its templates."""
        return f"rendered {_RENDERED_FORMAT} {page.revision} {page.touched} {page.aliases_digest}"

    def read(self, pages: Sequence[Page]) -> Iterator[Article | Unchanged | Removed]:
        """Read pages.

        Args:
            pages: Existing pages.

        Yields:
            The articles; `Removed` for pages deleted since, `Unchanged` for unreadable ones.

        Raises:
            CorpusError: If the wiki fails on several pages in a row.
            SourceAccessError: If the wiki denies access.
            SourceConnectionError: If the wiki cannot be reached, or stays too busy.
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
            if self._failures == _MAX_FAILURES_IN_A_ROW or (is_denied and not self._has_read):
                raise
            _LOGGER.warning("Skipping %s: %s", page.title, err)
            self._skip(page, DENIED if is_denied else FAILED)
            return Unchanged(page.url)
        self._failures = 0
        self._has_read = True
        return article

    def _skip(self, page: Page, reason: str) -> None:
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
            msg = f"The text of {page.url} is longer than the wiki allows ($wgAPIMaxResultSize)"
            raise CorpusError(msg)
        rendered = _convert(page.title, parsed)
        return Article(
            title=page.title,
            text=rendered.text,
            url=page.url,
            revision=str(parsed.get("revid") or page.revision),
            metadata=page.metadata(rendered),
            version=self.version(page),
        )


def _convert(title: str, parsed: Fields) -> WikitextPage:
    """Convert the result of `action=parse` to the type of pages read from wikitext."""
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

"""Articles of a live MediaWiki, over its API."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from wikirank._util import chunks
from wikirank.corpus.source import Known, NothingKnown, Removed, Unchanged
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.credentials import find_credentials
from wikirank.corpus.sources.mediawiki.pages import (
    TITLES_AT_ONCE,
    Page,
    all_pages,
    category_pages,
    find_titles,
)
from wikirank.corpus.sources.mediawiki.readers import RenderedReader, WikitextReader
from wikirank.corpus.sources.mediawiki.recent import changed_pages, parse_moment, reaches_back
from wikirank.corpus.sources.mediawiki.site import Site, find_api, page_named, read_site
from wikirank.corpus.sources.options import SourceOptions
from wikirank.corpus.sources.path_source import source_name
from wikirank.errors import InvalidArgumentError
from wikirank.types import Article

_LOGGER = logging.getLogger(__name__)
_CONTACT_VARIABLE = "WIKIRANK_CONTACT"


class _Reader(Protocol):
    def version(self, page: Page) -> str: ...

    def read(self, pages: Sequence[Page]) -> Iterator[Article | Unchanged | Removed]: ...


class MediaWikiSource:
    """A whole wiki, a category tree of it, or some titles.

    Pages are listed first, with their revisions; only what the index lacks is read. The text is
    what the wiki renders, as only the wiki knows its templates, extensions and modules: a request
    a page. `text="wikitext"` reads fifty a request instead, and expands only templates that are
    known to us. The metadata is that of `DumpSource`.
    """

    def __init__(
        self, address: str, *, name: str | None = None, options: SourceOptions | None = None
    ) -> None:
        """Find the wiki's API; what it holds is read when it is iterated over.

        Args:
            address: Of its `api.php`, of any of its pages, or of its host.
            name: What the index is to call it; by default its host, and the category's name.
            options: What to take of it, since when, and who reads.

        Raises:
            CorpusError: If there is no MediaWiki.
            InvalidArgumentError: If `name` is empty, or options do not go together.
            SourceConnectionError: If it cannot be reached.
        """
        self._options = options or SourceOptions()
        _check(address, self._options)
        self._credentials = find_credentials(
            self._options.user, self._options.password, self._options.token
        )
        self._namespaces = self._options.namespaces or (0,)
        self._contact = self._options.contact or os.environ.get(_CONTACT_VARIABLE)
        self._api = find_api(
            address, contact=self._contact, has_credentials=bool(self._credentials)
        )
        host = urlsplit(self._api).netloc
        category = self._options.category
        self.is_named = name is not None
        self.name = source_name(name, default=f"{host}/{category}" if category else host)
        self._complete = False
        self._state = ""
        self._skipped: Counter[str] = Counter()
        self._passed_over: list[str] = []
        self._client().close()  # Credentials that must not be sent are refused at once.
        page = page_named(address)
        if page and not (self._options.titles or category):
            _LOGGER.warning(
                "The address names the page %r; the whole wiki is read. For that page alone give "
                "its title too: --titles %r.",
                page,
                page,
            )

    @property
    def location(self) -> str:
        """Address of the wiki's API, with the category if it is one."""
        category = self._options.category
        return f"{self._api}#{category}" if category else self._api

    @property
    def complete(self) -> bool:
        """Whether the last `changes` named all pages: not of titles, nor where `since` sufficed."""
        return self._complete

    @property
    def state(self) -> str:
        """When the last `changes` of a whole wiki began and what they took; else empty."""
        return self._state

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many pages the last `changes` passed over, by reason."""
        return dict(self._skipped)

    @property
    def passed_over(self) -> Sequence[str]:
        """Titles of the pages that the last `changes` passed over, each with the reason."""
        return tuple(self._passed_over)

    def __repr__(self) -> str:
        return f"MediaWikiSource({self.location!r}, name={self.name!r})"

    def __iter__(self) -> Iterator[Article]:
        """Read all articles anew."""
        return (item for item in self.changes(NothingKnown()) if isinstance(item, Article))

    def count(self) -> int | None:
        """Number of titles; of a whole wiki about how many articles it says to have."""
        if self._options.titles:
            return len(self._options.titles)
        if self._options.category or self._options.since or self._namespaces != (0,):
            return None
        with self._client() as client:
            return read_site(client).articles or None

    def changes(self, known: Known) -> Iterator[Article | Unchanged | Removed]:
        """Read what the index lacks.

        Args:
            known: What the index has.

        Yields:
            Each page of the wiki that was asked for.

        Raises:
            CorpusError: If the wiki cannot be read, or fails on several pages in a row.
            InvalidArgumentError: If `since` is `last`, and the index knows no last run.
            SourceAccessError: If the wiki does not let us read.
            SourceConnectionError: If it cannot be reached, or stays too busy.
        """
        self._skipped.clear()
        self._passed_over.clear()
        self._complete, self._state = False, ""
        with self._client() as client:
            site = read_site(client)
            since = self._since(known)
            if since and not reaches_back(client, since):
                _LOGGER.warning(
                    "%s keeps no changes back to %s: all its pages are compared.", self.name, since
                )
                since = None
            if since:
                pages = changed_pages(client, known, since, self._namespaces)
            else:
                pages = self._pages(client, site)
            yield from self._read(self._reader(client, site), known, pages)
        self._complete = not since and not self._options.titles
        if self._covers(known, since):
            self._state = json.dumps({"since": site.now, "namespaces": self._namespaces})

    def _client(self) -> ApiClient:
        return ApiClient(
            self._api,
            credentials=self._credentials,
            contact=self._contact,
            allow_http=self._options.allow_http,
        )

    def _reader(self, client: ApiClient, site: Site) -> _Reader:
        if self._options.text == "wikitext":
            return WikitextReader(client, site, self._skipped, self._passed_over)
        return RenderedReader(client, self._skipped, self._passed_over)

    def _since(self, known: Known) -> datetime | None:
        if self._options.since is None:
            return None
        if self._options.since != "last":
            return parse_moment(self._options.since)
        if not known.state:
            msg = (
                f"The index knows no run over all of {self.name!r} that came to its end, which "
                "`last` could mean. Run it once without --since, or name a date."
            )
            raise InvalidArgumentError(msg)
        last = json.loads(known.state)
        if tuple(last["namespaces"]) != self._namespaces:
            msg = (
                f"The last run took the namespaces {last['namespaces']} of {self.name!r}, this one "
                f"{list(self._namespaces)}: expected the same. Run it once without --since."
            )
            raise InvalidArgumentError(msg)
        return parse_moment(last["since"])

    def _covers(self, known: Known, since: datetime | None) -> bool:
        """Whether the index has all of the wiki now, so that the next run may start from here."""
        if self._complete or since is None:
            return self._complete and not self._options.category
        last: dict[str, Any] = json.loads(known.state or "{}")
        same = tuple(last.get("namespaces", ())) == self._namespaces
        return same and since <= parse_moment(last["since"])

    def _pages(self, client: ApiClient, site: Site) -> Iterator[Page]:
        options = self._options
        if options.titles:
            return self._titles(client)
        if options.category:
            category = site.category_title(options.category)
            depth = options.depth or 0
            return category_pages(client, category, depth=depth, namespaces=self._namespaces)
        return all_pages(client, self._namespaces)

    def _titles(self, client: ApiClient) -> Iterator[Page]:
        met: set[str] = set()
        for chunk in chunks(self._options.titles, TITLES_AT_ONCE):
            titled = find_titles(client, chunk, follow=True)
            for title in titled.invalid:
                self._skip("no title of a page", title)
            for title in titled.circles:
                self._skip("a redirect in a circle", title)
            for page in titled.pages:
                if page.exists and page.title not in met:
                    met.add(page.title)
                    yield page
                elif not page.exists:
                    self._skip("no such page", page.title)
                    yield page

    def _read(
        self, reader: _Reader, known: Known, pages: Iterator[Page]
    ) -> Iterator[Article | Unchanged | Removed]:
        for batch in chunks(pages, TITLES_AT_ONCE):
            versions = known.versions([page.url for page in batch])
            changed: list[Page] = []
            for page in batch:
                if not self._wanted(page):
                    yield Removed(page.url)
                elif versions.get(page.url) == reader.version(page):
                    yield Unchanged(page.url)
                else:
                    changed.append(page)
            yield from reader.read(changed)

    def _wanted(self, page: Page) -> bool:
        if not page.exists or page.is_redirect:
            return False
        if page.model != "wikitext":
            self._skip("not wikitext", page.title)
            return False
        return bool(self._options.titles) or page.namespace in self._namespaces

    def _skip(self, reason: str, what: str) -> None:
        self._skipped[reason] += 1
        self._passed_over.append(f"{what} ({reason})")
        _LOGGER.info("%s passes over %s (%s)", self.name, what, reason)


def _check(address: str, options: SourceOptions) -> None:
    """Refuse an address with a secret in it, and options that contradict each other."""
    try:
        parts = urlsplit(address)
        has_host, has_user = bool(parts.hostname and parts.port != 0), parts.username is not None
    except ValueError:
        has_host = has_user = False
    if not has_host:
        msg = f"Expected the address of a wiki, such as https://en.wikipedia.org, got {address!r}."
        raise InvalidArgumentError(msg)
    if has_user:
        msg = (
            "The wiki's address holds a user name or password, which would be shown and recorded: "
            "expected it without. Give --user, and the password in WIKIRANK_MEDIAWIKI_PASSWORD."
        )
        raise InvalidArgumentError(msg)
    pairs = [("titles", "category"), ("titles", "since"), ("category", "since")]
    options_given = set(options.given())
    for first, second in pairs:
        if first in options_given and second in options_given:
            why = "" if second == "category" else "; each run compares the revisions of its pages"
            msg = f"Expected either {first} or {second}, got both{why}. Leave one out."
            raise InvalidArgumentError(msg)
    if options.depth is not None and (options.category is None or options.depth < 0):
        msg = f"depth goes with a category and is 0 or more, got {options.depth}."
        raise InvalidArgumentError(msg)
    if options.since not in (None, "last"):
        parse_moment(str(options.since))

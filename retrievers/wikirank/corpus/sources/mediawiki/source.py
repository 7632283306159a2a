"""Read articles from a live MediaWiki, over its API."""

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
from wikirank.corpus.sources.mediawiki.recent import changed_pages, has_changes_since, parse_time
from wikirank.corpus.sources.mediawiki.site import Site, find_api, read_site, title_in_url
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
    """A whole wiki, a category tree, or pages with some titles.

    Pages are listed with their revisions first; only those that the index lacks are read. By
    default the wiki renders each page in one request, because only the wiki knows its templates,
    extensions and modules. `text="wikitext"` reads 50 pages per request instead, but expands only
    the templates we know. The metadata is that of `DumpSource`.
    """

    def __init__(
        self, address: str, *, name: str | None = None, options: SourceOptions | None = None
    ) -> None:
        """Find the wiki's API; its pages are read when the source is iterated over.

        Args:
            address: URL of the wiki's `api.php`, of any of its pages, or of its host.
            name: Name of the source in the index; by default the wiki's host, with the category if
                there is one.
            options: Which pages to read, and credentials; None reads all articles.

        Raises:
            CorpusError: If the URL does not lead to a MediaWiki.
            InvalidArgumentError: If `name` is empty, or options contradict each other.
            SourceConnectionError: If the wiki cannot be reached.
        """
        self._options = options or SourceOptions()
        _check_arguments(address, self._options)
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
        self._client().close()  # Raises now if the credentials must not be sent unencrypted.
        page = title_in_url(address)
        if page and not (self._options.titles or category):
            _LOGGER.warning(
                "The URL is that of the page %r, but the whole wiki is read. To read only this "
                "page, give its title: --titles %r.",
                page,
                page,
            )

    @property
    def location(self) -> str:
        """URL of the wiki's API, with the category if there is one."""
        category = self._options.category
        return f"{self._api}#{category}" if category else self._api

    @property
    def complete(self) -> bool:
        """Whether the last `changes` listed all pages: not if by titles or by recent changes."""
        return self._complete

    @property
    def state(self) -> str:
        """Start time and namespaces of the last `changes` of a whole wiki; otherwise empty."""
        return self._state

    @property
    def skipped(self) -> Mapping[str, int]:
        """Number of pages skipped by the last `changes`, by reason."""
        return dict(self._skipped)

    @property
    def passed_over(self) -> Sequence[str]:
        """Titles of the pages skipped by the last `changes`, each with the reason."""
        return tuple(self._passed_over)

    def __repr__(self) -> str:
        return f"MediaWikiSource({self.location!r}, name={self.name!r})"

    def __iter__(self) -> Iterator[Article]:
        """Read all articles."""
        return (item for item in self.changes(NothingKnown()) if isinstance(item, Article))

    def count(self) -> int | None:
        """Return the number of titles, or the wiki's own count of articles; None if unknown."""
        if self._options.titles:
            return len(self._options.titles)
        if self._options.category or self._options.since or self._namespaces != (0,):
            return None
        with self._client() as client:
            return read_site(client).articles or None

    def changes(self, known: Known) -> Iterator[Article | Unchanged | Removed]:
        """Read what the index lacks.

        Args:
            known: What the index holds of this wiki.

        Yields:
            Each of the requested pages: its article, or whether it is unchanged or removed.

        Raises:
            CorpusError: If the wiki cannot be read, or fails on several pages in a row.
            InvalidArgumentError: If `since` is `last`, but no earlier run was completed.
            SourceAccessError: If the wiki denies access.
            SourceConnectionError: If the wiki cannot be reached, or stays too busy.
        """
        self._skipped.clear()
        self._passed_over.clear()
        self._complete, self._state = False, ""
        with self._client() as client:
            site = read_site(client)
            since = self._since(known)
            if since and not has_changes_since(client, since):
                _LOGGER.warning(
                    "The recent changes of %s do not go back to %s: comparing all its pages.",
                    self.name,
                    since,
                )
                since = None
            if since:
                pages = changed_pages(client, known, since, self._namespaces)
            else:
                pages = self._pages(client, site)
            yield from self._read(self._reader(client, site), known, pages)
        self._complete = not since and not self._options.titles
        if self._is_up_to_date(known, since):
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
            return parse_time(self._options.since)
        if not known.state:
            msg = (
                f"Expected a completed run over all of {self.name!r} before `last`, got none. Run "
                "it once without --since, or give a date."
            )
            raise InvalidArgumentError(msg)
        last = json.loads(known.state)
        if tuple(last["namespaces"]) != self._namespaces:
            msg = (
                f"Expected the namespaces of the last run of {self.name!r}, {last['namespaces']}, "
                f"got {list(self._namespaces)}. Run it once without --since."
            )
            raise InvalidArgumentError(msg)
        return parse_time(last["since"])

    def _is_up_to_date(self, known: Known, since: datetime | None) -> bool:
        """Whether the index now holds all of the wiki, so the next run may start from this one."""
        if self._complete or since is None:
            return self._complete and not self._options.category
        last: dict[str, Any] = json.loads(known.state or "{}")
        same_namespaces = tuple(last.get("namespaces", ())) == self._namespaces
        return same_namespaces and since <= parse_time(last["since"])

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
        seen: set[str] = set()
        for titles in chunks(self._options.titles, TITLES_AT_ONCE):
            result = find_titles(client, titles, follow=True)
            for title in result.invalid:
                self._skip("no title of a page", title)
            for title in result.circles:
                self._skip("a redirect in a circle", title)
            for page in result.pages:
                if page.exists and page.title not in seen:
                    seen.add(page.title)
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
                if not self._is_article(page):
                    yield Removed(page.url)
                elif versions.get(page.url) == reader.version(page):
                    yield Unchanged(page.url)
                else:
                    changed.append(page)
            yield from reader.read(changed)

    def _is_article(self, page: Page) -> bool:
        if not page.exists or page.is_redirect:
            return False
        if page.model != "wikitext":
            self._skip("not wikitext", page.title)
            return False
        return bool(self._options.titles) or page.namespace in self._namespaces

    def _skip(self, reason: str, title: str) -> None:
        self._skipped[reason] += 1
        self._passed_over.append(f"{title} ({reason})")
        _LOGGER.info("%s: skipping %s (%s)", self.name, title, reason)


def _check_arguments(address: str, options: SourceOptions) -> None:
    """Refuse a URL with credentials in it, and options that contradict each other."""
    try:
        parts = urlsplit(address)
        has_host, has_user = bool(parts.hostname and parts.port != 0), parts.username is not None
    except ValueError:
        has_host = has_user = False
    if not has_host:
        msg = f"Expected the URL of a wiki, such as https://en.wikipedia.org, got {address!r}."
        raise InvalidArgumentError(msg)
    if has_user:
        msg = (
            "Expected a URL without credentials, got one with a user name or password, which would "
            "be shown and stored. Give --user, and the password in WIKIRANK_MEDIAWIKI_PASSWORD."
        )
        raise InvalidArgumentError(msg)
    pairs = [("titles", "category"), ("titles", "since"), ("category", "since")]
    names = set(options.given())
    for first, second in pairs:
        if first in names and second in names:
            why = (
                ""
                if second == "category"
                else f". With {first}, each run compares the revisions of all pages anyway"
            )
            msg = f"Expected {first} or {second}, got both{why}. Leave one out."
            raise InvalidArgumentError(msg)
    if options.depth is not None and (options.category is None or options.depth < 0):
        msg = f"Expected a depth of 0 or more together with a category, got {options.depth}."
        raise InvalidArgumentError(msg)
    if options.since not in (None, "last"):
        parse_time(str(options.since))

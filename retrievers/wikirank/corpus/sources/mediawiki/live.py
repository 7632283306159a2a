"""Pages of a live MediaWiki, found by its own search for one question."""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from time import monotonic, sleep
from urllib.parse import urlsplit

from wikirank._util import Closing
from wikirank.corpus.live import FoundPages
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.credentials import find_credentials
from wikirank.corpus.sources.mediawiki.fields import entries
from wikirank.corpus.sources.mediawiki.pages import Page, find_titles
from wikirank.corpus.sources.mediawiki.readers import WikitextReader
from wikirank.corpus.sources.mediawiki.site import Site, find_api, read_site
from wikirank.errors import SourceConnectionError
from wikirank.types import Article

CONTACT_VARIABLE = "WIKIRANK_CONTACT"
_ENOUGH = 3
_KEPT_ARTICLES = 200
_LONGEST_TEXT = 500_000


class LiveMediaWiki(Closing):
    """A MediaWiki to ask without an index; threads may share it, and are served in turn.

    A question takes a request a phrasing and two for the pages. The last 200 texts are kept by
    revision. The wiki is asked as politely as for indexing: one request at a time, with `maxlag`.

    Args:
        address: Of its `api.php`, of any of its pages, or of its host.
        user: Who reads a private wiki; also from the environment, as for `MediaWikiSource`.
        password: Of that user.
        token: An OAuth token in their place.
        contact: Mail address or page for the user agent.
        allow_http: Whether credentials may go unencrypted to another machine.

    Raises:
        CorpusError: If there is no MediaWiki.
        SourceConnectionError: If it cannot be reached.
    """

    def __init__(
        self,
        address: str,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        contact: str | None = None,
        allow_http: bool = False,
    ) -> None:
        credentials = find_credentials(user, password, token)
        contact = contact or os.environ.get(CONTACT_VARIABLE)
        api = find_api(address, contact=contact, has_credentials=bool(credentials))
        self._lock = threading.Lock()
        self._deadline = float("inf")
        self._client = ApiClient(
            api,
            credentials=credentials,
            contact=contact,
            allow_http=allow_http,
            sleep=self._wait,
        )
        self._name = urlsplit(api).netloc
        self._site: Site | None = None
        self._articles: OrderedDict[tuple[int, int], Article] = OrderedDict()

    @property
    def name(self) -> str:
        """The wiki's host."""
        return self._name

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def find_pages(self, phrases: Sequence[str], limit: int, deadline: float) -> FoundPages:
        """Find pages by the wiki's search and read them.

        Args:
            phrases: What to look for, the most telling first; the later ones only where those
                before found little.
            limit: How many pages to read at most.
            deadline: When to stop, by `time.monotonic`.

        Returns:
            The pages, best first; where the wiki was too slow, those that it had given by then.

        Raises:
            SourceAccessError: If it does not let us read.
            SourceConnectionError: If it cannot be reached, or gave nothing in time.
        """
        with self._lock:
            self._deadline = deadline
            if self._site is None:
                self._site = read_site(self._client)
            titles, notes = self._titles(phrases, limit)
            articles = self._read(titles[:limit], self._site, notes)
        return FoundPages(articles, notes)

    def _titles(self, phrases: Sequence[str], limit: int) -> tuple[list[str], list[str]]:
        """Titles of all phrasings, those found by several first, and what went wrong."""
        places: dict[str, float] = {}
        for number, phrase in enumerate(phrases):
            # The question and its telling words are always asked, single words where that was
            # not enough.
            if number > 1 and len(places) >= _ENOUGH:
                break
            try:
                found = self._search(phrase, limit)
            except SourceConnectionError as err:
                if not places:
                    raise
                return _best(places), [f"The wiki was too slow for every phrasing: {err}"]
            for place, title in enumerate(found, start=1):
                places[title] = places.get(title, 0.0) + 1 / (10 + place + number)
        return _best(places), []

    def _search(self, phrase: str, limit: int) -> list[str]:
        self._check_time()
        # Unless told, MediaWiki's own engine looks at titles only.
        where = {"list": "search", "srwhat": "text", "srlimit": str(limit)}
        answer = self._client.call(action="query", **where, srsearch=phrase, srprop="", srinfo="")
        titles = (hit.get("title") for hit in entries(answer, "query", "search"))
        return [title for title in titles if isinstance(title, str)]

    def _read(self, titles: Sequence[str], site: Site, notes: list[str]) -> list[Article]:
        if not titles:
            return []
        found = {page.title: page for page in find_titles(self._client, titles, follow=True).pages}
        pages = [page for page in found.values() if page.exists and page.model == "wikitext"]
        missing = [page for page in pages if (page.id, page.revision) not in self._articles]
        skipped, passed_over = Counter[str](), list[str]()
        try:
            self._check_time()
            for item in WikitextReader(self._client, site, skipped, passed_over).read(missing):
                if not isinstance(item, Article):
                    continue
                if len(item.text) > _LONGEST_TEXT:
                    notes.append(f"{item.title!r} is too long to be read for one question.")
                else:
                    self._keep(item, missing)
        except SourceConnectionError as err:
            if not any((page.id, page.revision) in self._articles for page in pages):
                raise
            notes.append(f"The wiki was too slow for all pages: {err}")
        order = {title: place for place, title in enumerate(titles)}
        pages.sort(key=lambda page: order.get(page.title, len(order)))
        return [
            self._articles[page.id, page.revision]
            for page in pages
            if (page.id, page.revision) in self._articles
        ]

    def _keep(self, article: Article, pages: Sequence[Page]) -> None:
        page = next((page for page in pages if page.url == article.url), None)
        if page is None:  # Only what was asked for is read.
            return
        self._articles[page.id, page.revision] = article
        while len(self._articles) > _KEPT_ARTICLES:
            self._articles.popitem(last=False)

    def _check_time(self) -> None:
        if monotonic() > self._deadline:
            msg = f"{self._name} did not answer in time. Allow more seconds, or try again later."
            raise SourceConnectionError(msg)

    def _wait(self, seconds: float) -> None:
        """Wait as a busy wiki asks, but not beyond the deadline."""
        if monotonic() + seconds > self._deadline:
            self._deadline = 0.0
            self._check_time()
        sleep(seconds)


def _best(places: dict[str, float]) -> list[str]:
    return sorted(places, key=lambda title: -places[title])

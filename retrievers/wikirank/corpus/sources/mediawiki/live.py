"""Search a live MediaWiki by its own search, without an index."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from urllib.parse import unquote, urlsplit

from wikirank._cache_folder import user_cache_folder
from wikirank._cancellation import wait_unless_cancelled
from wikirank._util import Closing, ForkSafeLock
from wikirank.corpus.live import (
    FoundPages,
    Ranking,
    SearchHits,
    TitleList,
    TitleQuery,
    in_turn,
    words_of_title,
)
from wikirank.corpus.page_cache import PageCache
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.credentials import find_credentials
from wikirank.corpus.sources.mediawiki.fields import entries, number, section
from wikirank.corpus.sources.mediawiki.listing import list_titles
from wikirank.corpus.sources.mediawiki.page_texts import PageTexts
from wikirank.corpus.sources.mediawiki.pages import TITLES_AT_ONCE, Page, find_titles
from wikirank.corpus.sources.mediawiki.site import Site, find_api, read_site, title_in_url
from wikirank.errors import CorpusError, SourceConnectionError
from wikirank.types import Article

CONTACT_VARIABLE = "WIKIRANK_CONTACT"
_NOT_IN_A_TITLE = frozenset("#<>[]{}|\n\t")
_MAX_TITLE = 255  # bytes
_MAX_WORDS = 6
_MAX_HITS = 500  # titles of one search: the API's limit


class LiveMediaWiki(Closing):
    """A MediaWiki searched by its own search. Thread-safe: one question is answered at a time.

    A question takes one request per phrase, one for the titles, and one for every five pages.
    Pages are cached by revision, in memory and in the user's cache folder. As for indexing,
    requests are sent one at a time, with `maxlag`.

    Args:
        address: URL of the wiki's `api.php`, of any of its pages, or of its host.
        user: User of a private wiki, such as `Anna@indexing`; by default from the environment
            variable `WIKIRANK_MEDIAWIKI_USER`.
        password: Bot password of this user; by default from `WIKIRANK_MEDIAWIKI_PASSWORD`.
        token: OAuth 2 access token instead; by default from `WIKIRANK_MEDIAWIKI_TOKEN`.
        contact: Your mail address or web page, for the user agent; by default from
            `WIKIRANK_CONTACT`.
        allow_http: Whether credentials may be sent unencrypted to another machine.
        cache: Whether to cache pages on disk, or the folder for them. None caches the pages of
            public wikis, but not those read with credentials.

    Raises:
        CorpusError: If the URL does not lead to a MediaWiki.
        SourceConnectionError: If the wiki cannot be reached.
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
        cache: bool | str | Path | None = None,
    ) -> None:
        credentials = find_credentials(user, password, token)
        contact = contact or os.environ.get(CONTACT_VARIABLE)
        api = find_api(address, contact=contact, has_credentials=bool(credentials))
        self._lock = ForkSafeLock()
        self._client = ApiClient(
            api,
            credentials=credentials,
            contact=contact,
            allow_http=allow_http,
            sleep=self._wait,
        )
        if cache is None:
            cache = not credentials
        folder = user_cache_folder() if isinstance(cache, bool) else Path(cache)
        self._texts = PageTexts(self._client, PageCache(folder, api) if cache else None)
        self._name = urlsplit(api).netloc
        self._site: Site | None = None

    @property
    def name(self) -> str:
        """Host of the wiki."""
        return self._name

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def find_pages(
        self,
        phrases: Sequence[str],
        limit: int,
        deadline: float,
        *,
        words: Sequence[str] = (),
        titles: Sequence[str] = (),
    ) -> FoundPages:
        """Find pages by the wiki's search; see `LiveWiki.find_pages`."""
        with self._locked(deadline) as site:
            ranking = Ranking(site.articles)
            notes = ranking.search(
                phrases,
                words[:_MAX_WORDS],
                lambda phrase: self._search(phrase, _MAX_HITS),
                all_words=False,
            )
            pages = self._best_pages(ranking, limit, [t for t in titles if _is_valid_title(t)])
            articles = self._texts.read(pages, site, notes)
        return FoundPages(articles, notes)

    def read_page(self, name: str, deadline: float) -> Article | None:
        """Read the page with a title or URL, following redirects; see `LiveWiki.read_page`."""
        title = self._title_of(name)
        if not _is_valid_title(title):
            return None
        with self._locked(deadline) as site:
            pages = [page for page in self._look_up([title]) if _is_wikitext(page)]
            notes: list[str] = []
            articles = self._texts.read(pages[:1], site, notes)
        if pages and not articles:
            raise CorpusError(" ".join(notes) or f"{name!r} cannot be read.")
        return articles[0] if articles else None

    def titles_like(self, name: str, count: int, deadline: float) -> list[str]:
        """Suggest titles that begin the same, then those of pages with the words in their text."""
        words = words_of_title(name)
        if not words:
            return []
        with self._locked(deadline):
            options = {"list": "prefixsearch", "pslimit": str(count)}
            beginning = words[: (len(words) + 1) // 2]
            answer = self._client.call(action="query", **options, pssearch=beginning)
            titles = [hit.get("title") for hit in entries(answer, "query", "prefixsearch")]
            titles += self._search(words, count).titles
        return list(dict.fromkeys(title for title in titles if isinstance(title, str)))[:count]

    def list_titles(self, query: TitleQuery, deadline: float) -> TitleList:
        """List titles by prefix, category or links, in the wiki's order."""
        with self._locked(deadline) as site:
            return list_titles(self._client, site, query)

    @contextmanager
    def _locked(self, deadline: float) -> Iterator[Site]:
        """Hold the lock for one question; requests end at the deadline."""
        with in_turn(self._lock, self._name, deadline):
            self._client.until = deadline
            self._check_time()
            if self._site is None:
                self._site = read_site(self._client)
            yield self._site

    def _search(self, phrase: str, limit: int) -> SearchHits:
        self._check_time()
        # By default, MediaWiki's own engine searches titles only.
        options = {"list": "search", "srwhat": "text", "srlimit": str(limit), "srprop": ""}
        answer = self._client.call(action="query", **options, srsearch=phrase, srinfo="totalhits")
        hits = (hit.get("title") for hit in entries(answer, "query", "search"))
        titles = [title for title in hits if isinstance(title, str)]
        total = number(section(answer, "query", "searchinfo"), "totalhits", len(titles))
        return SearchHits(titles, total)

    def _best_pages(self, ranking: Ranking, limit: int, titles: Sequence[str]) -> list[Page]:
        """Return the best existing pages among those found and those with the given titles."""
        ranked = ranking.best()[:limit]
        extra = [title for title in titles if title not in ranked][: TITLES_AT_ONCE - len(ranked)]
        if not ranked and not extra:
            return []
        self._check_time()
        pages = {page.title: page for page in self._look_up([*ranked, *extra])}
        ranking.add([title for title in pages if title not in ranked])
        best = [pages[title] for title in ranking.best() if title in pages]
        return [page for page in best if _is_wikitext(page)][:limit]

    def _look_up(self, titles: Sequence[str]) -> list[Page]:
        return find_titles(self._client, titles, follow=True).pages

    def _title_of(self, name: str) -> str:
        """Return the title in a name or URL, without the anchor."""
        title = name.strip()
        if "://" in name:
            parts = urlsplit(title)
            path = unquote(parts.path.rpartition("/")[2])
            title = (title_in_url(title) or path) if parts.netloc == self._name else ""
        return title.partition("#")[0].replace("_", " ").strip()

    def _check_time(self) -> None:
        if monotonic() > self._client.until:
            msg = f"{self._name} did not answer in time. Allow more seconds, or try again later."
            raise SourceConnectionError(msg)

    def _wait(self, seconds: float) -> None:
        """Wait before another try; give up at once if that would exceed the deadline."""
        if monotonic() + seconds > self._client.until:
            self._client.until = 0.0
            self._check_time()
        wait_unless_cancelled(seconds)


def _is_wikitext(page: Page) -> bool:
    return page.exists and page.model == "wikitext"


def _is_valid_title(title: str) -> bool:
    fits = 0 < len(title.encode()) <= _MAX_TITLE
    return fits and title.isprintable() and not _NOT_IN_A_TITLE.intersection(title)

"""Pages of a live MediaWiki, found by its own search for one question."""

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
    wrong_title_words,
)
from wikirank.corpus.page_cache import PageCache
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.credentials import find_credentials
from wikirank.corpus.sources.mediawiki.fields import entries, number, section
from wikirank.corpus.sources.mediawiki.listing import list_titles
from wikirank.corpus.sources.mediawiki.page_texts import PageTexts
from wikirank.corpus.sources.mediawiki.pages import TITLES_AT_ONCE, Page, find_titles
from wikirank.corpus.sources.mediawiki.site import Site, find_api, page_named, read_site
from wikirank.errors import CorpusError, SourceConnectionError
from wikirank.types import Article

CONTACT_VARIABLE = "WIKIRANK_CONTACT"
_NOT_IN_A_TITLE = frozenset("#<>[]{}|\n\t")
_LONGEST_TITLE = 255  # bytes
_MOST_WORDS = 6
_MOST_HITS = 500  # titles of one search: the API's limit


class LiveMediaWiki(Closing):
    """A MediaWiki to ask without an index; threads may share it, and are served in turn.

    A question takes a request a phrasing, one for the titles and one for each five pages. Texts are
    kept by revision, in memory and in the user's cache folder. The wiki is asked as politely as for
    indexing: one request at a time, with `maxlag`.

    Args:
        address: Of its `api.php`, of any of its pages, or of its host.
        user: Who reads a private wiki; also from the environment, as for `MediaWikiSource`.
        password: Of that user.
        token: An OAuth token in their place.
        contact: Mail address or page for the user agent.
        allow_http: Whether credentials may go unencrypted to another machine.
        cache: Whether pages are kept on disk, or the folder for them. None keeps those of wikis
            that anyone may read, and none that credentials were needed for.

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
        """The wiki's host."""
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
        """Find pages by the wiki's search, as far as it is quick enough; see `LiveWiki`."""
        with self._asked_until(deadline) as site:
            ranking = Ranking(site.articles)
            few = words[:_MOST_WORDS]
            notes = ranking.ask(
                phrases, few, lambda phrase: self._search(phrase, _MOST_HITS), all_words=False
            )
            pages = self._pages(ranking, limit, [t for t in titles if _may_be_title(t)])
            articles = self._texts.read(pages, site, notes)
        return FoundPages(articles, notes)

    def read_page(self, name: str, deadline: float) -> Article | None:
        """The page of a title or address; redirects are followed."""
        title = self._title_of(name)
        if not _may_be_title(title):
            return None
        with self._asked_until(deadline) as site:
            pages = [page for page in self._looked_up([title]) if _is_text(page)]
            notes: list[str] = []
            articles = self._texts.read(pages[:1], site, notes)
        if pages and not articles:
            raise CorpusError(" ".join(notes) or f"{name!r} cannot be read.")
        return articles[0] if articles else None

    def titles_like(self, name: str, count: int, deadline: float) -> list[str]:
        """Titles that begin alike, and those of pages with the words of a title."""
        words = wrong_title_words(name)
        if not words:
            return []
        with self._asked_until(deadline):
            where = {"list": "prefixsearch", "pslimit": str(count)}
            beginning = words[: (len(words) + 1) // 2]
            answer = self._client.call(action="query", **where, pssearch=beginning)
            titles = [hit.get("title") for hit in entries(answer, "query", "prefixsearch")]
            titles += self._search(words, count).titles
        return list(dict.fromkeys(title for title in titles if isinstance(title, str)))[:count]

    def list_titles(self, query: TitleQuery, deadline: float) -> TitleList:
        """List titles by prefix, category, or links, in the wiki's order; see `LiveWiki`."""
        with self._asked_until(deadline) as site:
            return list_titles(self._client, site, query)

    @contextmanager
    def _asked_until(self, deadline: float) -> Iterator[Site]:
        """The wiki for one question, when it is that question's turn."""
        with in_turn(self._lock, self._name, deadline):
            self._client.until = deadline
            self._check_time()
            if self._site is None:
                self._site = read_site(self._client)
            yield self._site

    def _search(self, phrase: str, limit: int) -> SearchHits:
        self._check_time()
        # Unless told, MediaWiki's own engine looks at titles only.
        where = {"list": "search", "srwhat": "text", "srlimit": str(limit), "srprop": ""}
        answer = self._client.call(action="query", **where, srsearch=phrase, srinfo="totalhits")
        hits = (hit.get("title") for hit in entries(answer, "query", "search"))
        titles = [title for title in hits if isinstance(title, str)]
        total = number(section(answer, "query", "searchinfo"), "totalhits", len(titles))
        return SearchHits(titles, total)

    def _pages(self, ranking: Ranking, limit: int, titles: Sequence[str]) -> list[Page]:
        """The best pages that there are, of those that were found and those that may be named."""
        ranked = ranking.best()[:limit]
        named = [title for title in titles if title not in ranked][: TITLES_AT_ONCE - len(ranked)]
        if not ranked and not named:
            return []
        self._check_time()
        pages = {page.title: page for page in self._looked_up([*ranked, *named])}
        named_pages = [title for title in pages if title not in ranked]
        ranking.add(named_pages)
        best = [pages[title] for title in ranking.best() if title in pages]
        return [page for page in best if _is_text(page)][:limit]

    def _looked_up(self, titles: Sequence[str]) -> list[Page]:
        return find_titles(self._client, titles, follow=True).pages

    def _title_of(self, name: str) -> str:
        """The title that a name or an address means, without the anchor."""
        title = name.strip()
        if "://" in name:
            parts = urlsplit(title)
            path = unquote(parts.path.rpartition("/")[2])
            title = (page_named(title) or path) if parts.netloc == self._name else ""
        return title.partition("#")[0].replace("_", " ").strip()

    def _check_time(self) -> None:
        if monotonic() > self._client.until:
            msg = f"{self._name} did not answer in time. Allow more seconds, or try again later."
            raise SourceConnectionError(msg)

    def _wait(self, seconds: float) -> None:
        """Wait as a busy wiki asks, but not beyond the deadline."""
        if monotonic() + seconds > self._client.until:
            self._client.until = 0.0
            self._check_time()
        wait_unless_cancelled(seconds)


def _is_text(page: Page) -> bool:
    return page.exists and page.model == "wikitext"


def _may_be_title(title: str) -> bool:
    fits = 0 < len(title.encode()) <= _LONGEST_TITLE
    return fits and title.isprintable() and not _NOT_IN_A_TITLE.intersection(title)

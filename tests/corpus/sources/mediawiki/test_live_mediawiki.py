"""A live wiki that is slow, down, lying, empty or enormous, and what is cached of it."""

from __future__ import annotations

import asyncio
import logging
import random
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from australia import PAGES
from http_proxy import Proxy, Reply, Request
from live_places import served_australia
from mediawiki_wiki import BOT_PASSWORD, Wiki
from test_mediawiki_hostile import PAGE, wiki_that

from langchain_wikirank import WikiRetriever
from wikirank._cache_folder import CACHE_VARIABLE
from wikirank.corpus.page_cache import PageCache
from wikirank.corpus.sources.mediawiki.live import LiveMediaWiki
from wikirank.errors import CorpusError, SourceConnectionError
from wikirank.types import Article

LONG_ENOUGH = 600


@pytest.fixture(scope="module")
def australia(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wiki]:
    with served_australia(tmp_path_factory.mktemp("live") / "wiki") as wiki:
        yield wiki


def texts_asked(proxy: Proxy) -> list[int]:
    """Return the number of pages in each request for texts."""
    asked = [request.parameters for request in proxy.requests]
    return [p["pageids"].count("|") + 1 for p in asked if p.get("prop") == "revisions"]


def all_pages(wiki: LiveMediaWiki) -> tuple[set[str], list[str]]:
    found = wiki.find_pages(["Australia"], 10, monotonic() + LONG_ENOUGH, titles=list(PAGES))
    return {article.title for article in found.articles}, found.notes


def test_a_slow_wiki_gives_what_it_gave_in_time(australia: Wiki) -> None:
    def answer(request: Request) -> Reply | None:
        is_later = request.parameters.get("prop") == "revisions" and len(texts_asked(proxy)) > 1
        return Reply(503, headers=[("Retry-After", "2000")]) if is_later else None

    with Proxy(australia.url, answer) as proxy, LiveMediaWiki(proxy.api, cache=False) as wiki:
        titles, (note,) = all_pages(wiki)
        assert len(titles) == 5
        assert note.startswith("The wiki was too slow for 2 of 7 pages: ")
        assert texts_asked(proxy) == [5, 2]


def test_a_wiki_that_never_answers_is_given_up() -> None:
    free = threading.Event()

    def hang(_: Request) -> Reply:
        free.wait()
        return Reply()

    with Proxy("http://127.0.0.1:9", hang) as proxy, LiveMediaWiki(proxy.api) as wiki:
        with pytest.raises(SourceConnectionError, match="did not answer in time"):
            wiki.find_pages(["Ada"], 3, monotonic() + 0.2)
        free.set()


async def test_a_question_that_is_cancelled_asks_nothing_more(australia: Wiki) -> None:
    asked, free = threading.Event(), threading.Event()

    def answer(request: Request) -> Reply | None:
        if request.parameters.get("srsearch") == "Kangaroo carries young":
            asked.set()
            free.wait()
        return None

    with Proxy(australia.url, answer) as proxy:
        retriever = WikiRetriever.from_mediawiki(proxy.api, seconds=LONG_ENOUGH, cache=False)
        with retriever.wiki as wiki:
            searching = asyncio.create_task(retriever.ainvoke("Kangaroo carries young"))
            await asyncio.to_thread(asked.wait)
            searching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await searching
            before = len(proxy.requests)
            free.set()
            # Queries take turns: this one begins when the cancelled one has ended.
            await asyncio.to_thread(wiki.read_page, "Bread", monotonic() + LONG_ENOUGH)
    titles = [request.parameters.get("titles") for request in proxy.requests[before:]]
    assert titles == ["Bread", None]


Says = Callable[[Request], object]


def one_page(search: object, **page: object) -> Says:
    """A wiki of one page, whose search returns the given result."""

    def say(request: Request) -> object:
        if request.parameters.get("list") == "search":
            return {"query": {"search": search}}
        if request.parameters.get("prop") == "revisions":
            content = page.get("content", "Ada walked.")
            revision = {"revid": 12, "slots": {"main": {"content": content}}}
            return {"query": {"pages": [{**PAGE, "revisions": [revision]}]}}
        if "titles" in request.parameters:
            return {"batchcomplete": True, "query": {"pages": [{**PAGE, **page}]}}
        return None

    return say


def asked_for_ada(say: Says) -> tuple[list[Article], list[str], Proxy]:
    with wiki_that(say) as proxy, LiveMediaWiki(proxy.api, cache=False) as wiki:
        found = wiki.find_pages(["Ada walked"], 5, monotonic() + LONG_ENOUGH)
        return found.articles, found.notes, proxy


def test_an_empty_wiki_gives_nothing() -> None:
    articles, notes, proxy = asked_for_ada(one_page([]))
    assert (articles, notes, texts_asked(proxy)) == ([], [], [])


def test_a_wiki_that_lies() -> None:
    search = [{"title": 5}, {"title": None}, {}, {"title": "Ada"}, {"title": "Never heard of"}]
    articles, notes, _ = asked_for_ada(one_page(search))
    assert ([article.text for article in articles], notes) == (["Ada walked."], [])
    for nonsense in ("Ada", {"a": 1}, [5], True):
        with pytest.raises(CorpusError, match=r"query\.search"):
            asked_for_ada(one_page(nonsense))
    with pytest.raises(CorpusError, match="length"):
        asked_for_ada(one_page([{"title": "Ada"}], length="long"))


def test_an_enormous_page_is_not_even_asked_for() -> None:
    articles, notes, proxy = asked_for_ada(one_page([{"title": "Ada"}], length=10**9))
    assert articles == []
    assert notes == ["'Ada' is too long to be read for one question."]
    assert texts_asked(proxy) == []
    # A page that claims to be short is read, but not cut into passages.
    _, notes, proxy = asked_for_ada(one_page([{"title": "Ada"}], content="Ada. " * 200_000))
    assert notes == ["'Ada' is too long to be read for one question."]
    assert texts_asked(proxy) == [1]


def test_pages_are_kept_on_disk_for_the_user_alone(
    australia: Wiki, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "cache" / "pages"
    with Proxy(australia.url) as proxy:

        def read(cache: Path | bool) -> list[int]:
            """Return the number of pages in each request."""
            before = len(texts_asked(proxy))
            with LiveMediaWiki(proxy.api, cache=cache) as wiki:
                assert all_pages(wiki) == (set(PAGES), [])
            return texts_asked(proxy)[before:]

        assert read(folder) == [5, 2]
        assert read(folder) == []
        assert read(cache=False) == [5, 2]
        (file,) = folder.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.write_bytes(b"no database " * 100)
        with caplog.at_level(logging.WARNING):
            assert read(folder) == [5, 2]
    assert f"Pages are not cached in {file}" in caplog.text


def test_a_wiki_with_credentials_is_not_kept_on_disk(
    australia: Wiki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    name = australia.add_bot_password()
    with LiveMediaWiki(australia.url, user=name, password=BOT_PASSWORD) as wiki:
        assert all_pages(wiki) == (set(PAGES), [])
    assert not (tmp_path / "cache").exists()
    with LiveMediaWiki(australia.url) as wiki:
        assert all_pages(wiki) == (set(PAGES), [])
    assert (tmp_path / "cache").exists()


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    def article(number: int, version: str = "1") -> Article:
        return Article(
            f"Page {number}", random.Random(number).randbytes(5000).hex(), version=version
        )

    cache = PageCache(tmp_path, "wiki", max_bytes=50_000)
    for number in range(20):
        cache.put({number: article(number)})
    kept = cache.get(dict.fromkeys(range(20), "1"))
    assert kept == {number: article(number) for number in kept}
    assert 5 <= len(kept) < 10
    assert max(kept) == 19
    cache.put({19: article(19, "2")})
    assert cache.get({19: "1"}) == {}
    assert cache.get({19: "2"}) == {19: article(19, "2")}
    assert PageCache(tmp_path, "another wiki").get({19: "2"}) == {}

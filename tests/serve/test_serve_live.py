"""The page and API of `wikirank serve` for a wiki without an index."""

from __future__ import annotations

import json
import re
import socket
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from australia import CAPITAL, write_australia
from http_proxy import Proxy, Reply, Request
from mediawiki_wiki import Wiki
from serving import served

from wikirank._cancellation import cancellable
from wikirank.corpus.live import SearchHits
from wikirank.corpus.sources.zim_live import LiveZim
from wikirank.search.live import LiveSearcher
from wikirank.serve.api import create_app

CHOSEN = "Canberra was chosen as the capital of Australia in 1908."


@pytest.fixture(scope="module")
def zim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_australia(tmp_path_factory.mktemp("zim") / "australia.zim")


async def test_the_api(zim: Path) -> None:
    searcher = LiveSearcher(LiveZim(zim), pages=2)
    transport = httpx.ASGITransport(create_app(searcher), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8765", timeout=600
    ) as client:
        info = (await client.get("/api/info")).json()
        assert (info["name"], info["is_indexed"]) == ("australia.zim", False)
        assert (info["passages"], info["articles"], info["filter_keys"]) == (None, None, [])
        found = (await client.post("/api/search", json={"query": CAPITAL, "k": 1})).json()
        assert [one["text"] for one in found["passages"]] == [CHOSEN]
        assert found["origin"] == "BM25 over the pages that australia.zim found by its own search"
        assert len({one["title"] for one in found["candidates"]}) == 2
        assert {"capital", "Australia"} <= set(found["matched_words"])
        refused = await client.post("/api/search", json={"query": "q", "filter": {"title": "a"}})
        assert (refused.status_code, "not indexed" in refused.text) == (400, True)
        records = (await client.post("/retrieval", json={"query": CAPITAL})).json()["records"]
        assert records[0]["content"] == CHOSEN
        reranked = await client.post("/v2/rerank", json={"query": "a", "documents": ["a", "b"]})
        assert len(reranked.json()["results"]) == 2


def test_the_command(zim: Path) -> None:
    with served(None, zim=zim) as url:
        answer = httpx.post(f"{url}api/search", json={"query": CAPITAL, "k": 1}, timeout=600)
    assert [one["text"] for one in answer.json()["passages"]] == [CHOSEN]


def ask_and_wait_for(url: str, asked: threading.Event) -> socket.socket:
    """Send a question and wait until the wiki receives it."""
    body = json.dumps({"query": CAPITAL}).encode()
    parts = urlsplit(url)
    client = socket.create_connection((parts.hostname, parts.port))
    client.sendall(
        b"POST /api/search HTTP/1.1\r\nContent-Type: application/json\r\n"
        + f"Host: {parts.netloc}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    asked.wait()
    return client


def wait_for_metrics(url: str, **expected: int) -> None:
    """Wait until the queue metrics are as expected."""
    while True:
        text = httpx.get(f"{url}metrics").text
        numbers = dict(re.findall(r"^wikirank_queue_(\w+) (\d+)$", text, re.MULTILINE))
        if all(int(numbers[name]) == number for name, number in expected.items()):
            return


def test_a_client_that_hangs_up_ends_the_search_of_a_wiki(wiki: Wiki) -> None:
    asked, free = threading.Event(), threading.Event()

    def answer(request: Request) -> Reply | None:
        if "srsearch" in request.parameters:
            asked.set()
            free.wait()
        return None

    with Proxy(wiki.url, answer) as proxy, served(None, wiki=proxy.api) as url:
        client = ask_and_wait_for(url, asked)
        waiting = [ask_and_wait_for(url, asked) for _ in range(3)]  # for their turn at the wiki
        wait_for_metrics(url, running=4)
        for one in waiting:
            one.close()
        wait_for_metrics(url, running=1, abandoned_total=3)
        client.close()
        wait_for_metrics(url, abandoned_total=4)
        free.set()
        wait_for_metrics(url, running=0)
        searches = [request for request in proxy.requests if "srsearch" in request.parameters]
        texts = [request for request in proxy.requests if "prop" in request.parameters]
        assert (len(searches), texts) == (1, [])
        again = httpx.post(f"{url}api/search", json={"query": "Who wrote it?"}, timeout=600)
        assert again.status_code == 200


def test_a_search_of_a_zim_file_ends_when_its_client_hangs_up(zim: Path) -> None:
    asked, free = threading.Event(), threading.Event()

    class SlowZim(LiveZim):
        def _search(self, phrase: str, limit: int) -> SearchHits:
            asked.set()
            free.wait()
            return super()._search(phrase, limit)

    searcher = LiveSearcher(SlowZim(zim))

    def search(given_up: threading.Event) -> None:
        with cancellable(given_up):
            searcher.search(CAPITAL)

    at_the_file, in_the_queue = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(search, at_the_file)
        asked.wait()
        waiting = threads.submit(search, in_the_queue)
        in_the_queue.set()
        with pytest.raises(CancelledError):
            waiting.result()
        at_the_file.set()
        free.set()
        with pytest.raises(CancelledError):
            running.result()
    assert searcher.search(CAPITAL).passages[0].passage.text == CHOSEN

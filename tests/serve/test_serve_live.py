"""The page and API of `wikirank serve` over a wiki that has no index."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from australia import CAPITAL, write_australia
from serving import served

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

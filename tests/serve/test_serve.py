"""The JSON API of `wikirank serve`, and the command itself."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from serving import served

from wikirank._extras import require_extra
from wikirank._server import check_token, open_socket
from wikirank.corpus import open_source
from wikirank.errors import InvalidArgumentError, MissingExtraError
from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions
from wikirank.serve.api import create_app
from wikirank.serve.guard import host_allowed
from wikirank.serve.models import RankedPassageResponse, SearchRequest
from wikirank.serve.run import page_url

QUESTION = "who eats herring?"


def client_of(searcher: Searcher, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(searcher, **options), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765", timeout=60)


@pytest.fixture(scope="module")
def searcher(tiny_index: WikiIndex) -> Searcher:
    return Searcher(tiny_index)


@pytest.fixture
async def client(searcher: Searcher) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(searcher, example_queries=["Velm"]) as client:
        yield client


async def test_search_gives_what_the_engine_gives(
    client: httpx.AsyncClient, searcher: Searcher
) -> None:
    answer = await client.post("/api/search", json={"query": QUESTION, "k": 3, "fetch_k": 8})
    assert answer.status_code == 200
    got = answer.json()
    wanted = searcher.search(QUESTION, SearchOptions(k=3, fetch_k=8))
    for field in ("passages", "candidates"):
        assert got[field] == [ranked.as_dict() for ranked in getattr(wanted, field)]
    assert [one["rank"] for one in got["passages"]] == [1, 2, 3]
    assert got["timings_ms"].keys() == wanted.timings.keys()
    assert got["query"] == QUESTION


async def test_threshold_is_inclusive(client: httpx.AsyncClient) -> None:
    asked = {"query": QUESTION, "k": 5}
    every = (await client.post("/api/search", json=asked)).json()["passages"]
    asked["score_threshold"] = every[1]["relevance_score"]
    passing = (await client.post("/api/search", json=asked)).json()["passages"]
    assert [one["id"] for one in passing] == [one["id"] for one in every[:2]]


async def test_options_reach_the_search(client: httpx.AsyncClient) -> None:
    asked = {
        "query": "light",
        "search_type": "lexical",
        "rerank": False,
        "filter": {"topic": "Places", "year": {"$lt": 1900}},
    }
    passages = (await client.post("/api/search", json=asked)).json()["passages"]
    assert {one["title"] for one in passages} == {"Amber Lighthouse"}
    assert all(one["dense_score"] is None for one in passages)
    assert all(one["relevance_score"] is None for one in passages)


async def test_matched_words_are_those_of_the_lexical_index(client: httpx.AsyncClient) -> None:
    asked = {"query": "Was the fisher in Velm?", "rerank": False}
    words = (await client.post("/api/search", json=asked)).json()["matched_words"]
    assert "Velm" in words
    assert not {"the", "was", "in"} & {word.lower() for word in words}


def test_words_match_by_their_stem(tiny_index: WikiIndex) -> None:
    words = ["Works", "worked", "the", "worker's", "Wörk", "word"]
    assert tiny_index.lexical.matching_words("the work", words) == {"Works", "worked", "Wörk"}
    assert tiny_index.lexical.matching_words("the who", words) == {"the"}


async def test_info(client: httpx.AsyncClient, searcher: Searcher) -> None:
    info = (await client.get("/api/info")).json()
    assert (info["passages"], info["articles"]) == (31, 10)
    assert info["cross_encoder"] == searcher.cross_encoder.model_id
    assert info["embedder"] == searcher.index.embedder.model_id
    assert info["example_queries"] == ["Velm"]
    assert "topic" in info["filter_keys"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"query": " "}, 400, "query is empty"),
        ({"query": "q", "filter": {"hue": 1}}, 400, "Keys in this index"),
        ({"query": "q", "rerank": False, "score_threshold": 0.5}, 400, "Turn rerank on"),
        ({}, 422, "query: Field required"),
        ({"query": "q", "k": 0}, 422, "k: Input should be greater than or equal to 1"),
        ({"query": "q", "fetch_k": 10**9}, 422, "fetch_k: Input should be less than"),
        ({"query": "q", "score_threshold": 2}, 422, "score_threshold"),
        ({"query": "q", "search_type": "magic"}, 422, "search_type"),
        ({"query": "q", "colour": "red"}, 422, "colour"),
        ({"query": "q" * 2001}, 422, "query"),
    ],
)
async def test_bad_requests_are_explained(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, message: str
) -> None:
    answer = await client.post("/api/search", json=body)
    assert answer.status_code == answer.json()["status"] == status
    assert message in answer.json()["message"]


async def test_invalid_json_and_unknown_paths(client: httpx.AsyncClient) -> None:
    kind = {"Content-Type": "application/json"}
    answer = await client.post("/api/search", content=b"{", headers=kind)
    assert (answer.status_code, answer.json()["status"]) == (422, 422)
    for path, status in (("/nothing", 404), ("/docs", 404), ("/redoc", 404), ("/api/search", 405)):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)


async def test_a_failure_shows_no_stack(tmp_path: Path, tiny_wiki: Path) -> None:
    with WikiIndex.create(tmp_path / "index") as index:
        index.add_source(open_source(tiny_wiki))
        with index.dense._use() as collection:
            collection._client.delete_collection("wikirank")
        async with client_of(Searcher(index)) as client:
            answer = await client.post("/api/search", json={"query": "light"})
    assert answer.status_code == 500
    assert answer.json().keys() == {"status", "message"}
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
    assert "Traceback" not in answer.text


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["a", "\ud800", 2**63]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["$and", "$in", "$gt", "topic", "year", "x"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(query=st.text(st.characters(codec=None, categories=None), max_size=40), where=_values)
@example(query="light", where={"$and": [{"topic": {"$in": [1, "a"]}}, {"year": 2**63}]})
@example(query="\ud800", where=None)
def test_any_request_is_answered_or_refused(searcher: Searcher, query: str, where: object) -> None:
    async def ask() -> httpx.Response:
        body = json.dumps({"query": query, "filter": where, "rerank": False})
        kind = {"Content-Type": "application/json"}
        async with client_of(searcher) as client:
            return await client.post("/api/search", content=body, headers=kind)

    answer = asyncio.run(ask())
    assert answer.status_code in (200, 400, 422)
    assert answer.status_code == 200 or answer.json()["message"]


async def test_many_at_once_and_the_loop_stays_free(client: httpx.AsyncClient) -> None:
    async def ask() -> list[str]:
        answer = await client.post("/api/search", json={"query": QUESTION, "k": 3})
        return [one["id"] for one in answer.json()["passages"]]

    searches = [asyncio.create_task(ask()) for _ in range(12)]
    await asyncio.sleep(0)
    page = asyncio.create_task(client.get("/"))
    done, _ = await asyncio.wait([*searches, page], return_when=asyncio.FIRST_COMPLETED)
    assert done == {page}
    assert len({tuple(ids) for ids in await asyncio.gather(*searches)}) == 1


async def test_every_answer_is_locked_down(client: httpx.AsyncClient) -> None:
    for path in ("/", "/page.js", "/page.css", "/api/info", "/openapi.json", "/nothing"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
    assert (await client.get("/page.js")).headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "rebound.example"}, 400),
        ({"Host": "127.0.0.1.evil.example:8765"}, 400),
        ({"Host": "localhost:8765"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "http://127.0.0.1:8765"}, 200),
    ],
)
async def test_other_sites_are_refused(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await client.get("/api/info", headers=headers)
    assert answer.status_code == status


async def test_large_bodies_are_refused(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    answer = await client.post("/api/search", json={"query": "q" * 70_000})
    assert answer.status_code == 413
    assert (await client.post("/api/search", content=pieces())).status_code == 411


async def test_a_token_is_asked_for(searcher: Searcher) -> None:
    async with client_of(searcher, token="secret-word") as client:
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer sécret"}):
            encoded = {name: value.encode() for name, value in given.items()}
            refused = await client.get("/api/info", headers=encoded)
            assert refused.status_code == 401
            assert "token" in refused.json()["message"]
        right = {"Authorization": "Bearer secret-word"}
        assert (await client.get("/api/info", headers=right)).status_code == 200
        assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize(
    ("header", "listening", "allowed"),
    [
        ("localhost", "127.0.0.1", True),
        ("[::1]:80", "127.0.0.1", True),
        ("10.0.0.1", "127.0.0.1", False),
        ("10.0.0.1:8765", "0.0.0.0", True),
        ("evil.example", "0.0.0.0", False),
        ("wiki.example:1", "wiki.example", True),
        ("", "127.0.0.1", False),
        ("[", "127.0.0.1", False),
    ],
)
def test_host_names(header: str, listening: str, allowed: bool) -> None:
    assert host_allowed(header, listening) is allowed


async def test_the_description_is_whole(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    ours = {"/api/info", "/api/search", "/v1/rerank", "/v2/rerank", "/retrieval"}
    assert set(described["paths"]) == ours | {"/healthz", "/metrics"}
    schemas = described["components"]["schemas"]
    for name, described_schema in schemas.items():
        for field, schema in described_schema.get("properties", {}).items():
            fastapis_own = name in ("HTTPValidationError", "ValidationError")
            assert fastapis_own or "$ref" in schema or schema["description"], (name, field)
    responses = described["paths"]["/api/search"]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "413", "422", "429", "500", "503"}
    for shown in schemas["SearchRequest"]["examples"]:
        SearchRequest.model_validate(shown).options()
    for shown in schemas["RankedPassageResponse"]["examples"]:
        RankedPassageResponse.model_validate(shown)


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(MissingExtraError, match=r'fastapi.*pip install "langchain-wikirank\[serve'):
        require_extra("serve", "the page", ("fastapi", "uvicorn"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "wiki.example"])
def test_elsewhere_only_with_a_token(host: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Set TOKEN, or listen on"):
        check_token(host, None, hint="Set TOKEN")
    check_token(host, "a-long-secret-word", hint="Set TOKEN")


def test_loopback_needs_no_token() -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        check_token(host, None, hint="Set TOKEN")
    for token in ("", "short", "two words of some length", "naïve-and-long-enough"):
        with pytest.raises(InvalidArgumentError, match="at least 16 ASCII characters"):
            check_token("127.0.0.1", token, hint="Set TOKEN")


def test_sockets_and_addresses() -> None:
    with open_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        assert page_url("0.0.0.0", listening, "word") == f"http://127.0.0.1:{port}/#token=word"
        with pytest.raises(InvalidArgumentError, match=f"Port {port} is in use"):
            open_socket("127.0.0.1", port)
    with pytest.raises(InvalidArgumentError, match=r"Cannot listen on 192\.0\.2\.1"):
        open_socket("192.0.2.1", 0)


def test_the_command_serves_and_ends_by_ctrl_c(tiny_index: WikiIndex) -> None:
    with served(tiny_index.path) as url:
        assert httpx.get(url).text.startswith("<!doctype html>")
        info = httpx.get(f"{url}api/info", timeout=60).json()
        assert info["example_queries"] == ["Amber Lighthouse", "Velm", "Ilse Marn"]
        answer = httpx.post(f"{url}api/search", json={"query": QUESTION}, timeout=60)
        assert answer.json()["passages"][0]["relevance_score"] > 0


def test_ctrl_c_at_once_ends_it_as_cleanly(tiny_index: WikiIndex) -> None:
    with served(tiny_index.path):
        pass


def test_a_port_in_use_is_reported(tiny_index: WikiIndex) -> None:
    from command import run

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["--index", str(tiny_index.path), "--no-open", "--port", port]
        assert f"Port {port} is in use" in run("serve", *arguments, status=1)

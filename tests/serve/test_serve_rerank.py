"""Reranking over HTTP with common client programs, and its limits."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import cohere
import httpx
import pytest
import uvicorn
from command import run as run_command
from langchain_cohere import CohereRerank
from langchain_core.documents import Document
from langchain_reranker.rerankers import HttpReranker
from serving import served
from starlette.types import Message, Receive, Scope, Send

from wikirank.index import WikiIndex
from wikirank.rank import CrossEncoder, load_cross_encoder, rank_texts
from wikirank.search import Searcher
from wikirank.serve.admission import Admission
from wikirank.serve.api import create_app, create_rerank_app
from wikirank.serve.queue import WorkQueue
from wikirank.serve.run import server_config

TOKEN = "a-token-for-tests-alone"
QUERY = "When are herring caught?"
TEXTS = [
    "The lighthouse was built in 1821 and is painted amber.",
    "Herring are caught at night with drift nets.",
    "Bread is kneaded so that its dough becomes elastic.",
    "A herring is a small fish that swims in shoals.",
]
RERANK_PATHS = ["/v1/rerank", "/v2/rerank"]


@pytest.fixture(scope="module")
def model() -> CrossEncoder:
    return load_cross_encoder()


@pytest.fixture(scope="module")
def wanted(model: CrossEncoder) -> list[tuple[int, float]]:
    """Return indices and relevance scores of the engine."""
    ranked = rank_texts(model, QUERY, TEXTS)
    return [(position, float(ranked.relevance_scores[position])) for position in ranked.order]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Address of a running `wikirank serve --rerank-only` with a token."""
    with served(None, token=TOKEN) as address:
        yield address.partition("/v1/")[0]


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8765", timeout=120
    ) as client:
        yield client


@pytest.fixture
async def client(model: CrossEncoder) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_rerank_app(model)) as client:
        yield client


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a state; the time limit of the test suite ends an endless wait."""
    while not condition():
        await asyncio.sleep(0.005)


# Client programs


def test_cohere_v2(url: str, wanted: list[tuple[int, float]]) -> None:
    with cohere.ClientV2(TOKEN, base_url=url) as with_key:
        answer = with_key.rerank(model="any", query=QUERY, documents=TEXTS)
        best = with_key.rerank(model="any", query=QUERY, documents=TEXTS, top_n=2)
    assert [(one.index, one.relevance_score) for one in answer.results] == wanted
    assert answer.meta is not None
    assert answer.meta.api_version is not None
    assert answer.meta.api_version.version == "2"
    assert answer.id
    assert [(one.index, one.relevance_score) for one in best.results] == wanted[:2]


def test_cohere_v1_with_documents(url: str, wanted: list[tuple[int, float]]) -> None:
    documents = [{"text": text, "page": str(number)} for number, text in enumerate(TEXTS)]
    with cohere.Client(TOKEN, base_url=url) as with_key:
        answer = with_key.rerank(
            model="any", query=QUERY, documents=documents, return_documents=True, top_n=3
        )
    assert [(one.index, one.relevance_score) for one in answer.results] == wanted[:3]
    for one in answer.results:
        assert one.document is not None
        assert one.document.text == TEXTS[one.index]
        assert one.document.model_dump()["page"] == str(one.index)


async def test_cohere_async(url: str, wanted: list[tuple[int, float]]) -> None:
    async with cohere.AsyncClientV2(TOKEN, base_url=url) as with_key:
        answers = await asyncio.gather(
            *(with_key.rerank(model="any", query=QUERY, documents=TEXTS) for _ in range(6))
        )
    for answer in answers:
        assert [(one.index, one.relevance_score) for one in answer.results] == wanted


def test_cohere_with_a_wrong_token(url: str) -> None:
    wrong = cohere.ClientV2("wrong", base_url=url)
    with wrong, pytest.raises(cohere.UnauthorizedError, match="needs its token"):
        wrong.rerank(model="any", query=QUERY, documents=TEXTS)


def test_langchain_cohere(url: str, wanted: list[tuple[int, float]]) -> None:
    reranker = CohereRerank(base_url=url, cohere_api_key=TOKEN, model="any", top_n=3)
    documents = [Document(text, metadata={"page": n}) for n, text in enumerate(TEXTS)]
    with reranker.client:
        best = reranker.compress_documents(documents, QUERY)
    scored = [(one.metadata["page"], one.metadata["relevance_score"]) for one in best]
    assert scored == wanted[:3]


def test_langchain_rerankers_http_provider(url: str, wanted: list[tuple[int, float]]) -> None:
    reranker = HttpReranker(base_url=f"{url}/v1", api_key=TOKEN, model="any", top_n=2)
    results = reranker.rerank(QUERY, [Document(text) for text in TEXTS])
    assert [(one.index, one.relevance_score) for one in results] == wanted[:2]


# Request and response format


@pytest.mark.parametrize("path", RERANK_PATHS)
async def test_the_form_of_an_answer(
    client: httpx.AsyncClient, model: CrossEncoder, path: str, wanted: list[tuple[int, float]]
) -> None:
    body = {"query": QUERY, "documents": TEXTS, "model": "jina-reranker", "truncation": True}
    answer = (await client.post(path, json=body)).json()
    assert answer["model"] == model.model_id
    assert answer["results"] == [
        {"index": index, "relevance_score": score} for index, score in wanted
    ]
    tokens = len(TEXTS) * len(model.tokenizer.encode(QUERY, add_special_tokens=False)) + sum(
        len(model.tokenizer.encode(text, add_special_tokens=False)) for text in TEXTS
    )
    assert answer["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert answer["meta"] == {
        "api_version": {"version": path[2]},
        "tokens": {"input_tokens": tokens},
    }
    body |= {"return_documents": True, "top_n": 99}
    repeated = (await client.post(path, json=body)).json()["results"]
    assert [one["document"] for one in repeated] == [{"text": TEXTS[i]} for i, _ in wanted]
    assert (await client.post(path, json={"query": "q", "documents": []})).json()["results"] == []


async def test_what_is_read_of_objects(client: httpx.AsyncClient, model: CrossEncoder) -> None:
    documents = [{"text": "Night.", "title": "Herring", "section": "Catch", "n": 1}, "Night."]
    answer = (await client.post("/v2/rerank", json={"query": QUERY, "documents": documents})).json()
    texts = ["Herring › Catch\nNight." if model.prepend_heading else "Night.", "Night."]
    relevance = rank_texts(model, QUERY, texts).relevance_scores
    scores = {one["index"]: one["relevance_score"] for one in answer["results"]}
    assert scores == dict(enumerate(relevance.tolist()))

    body = {"query": QUERY, "documents": documents[:1], "rank_fields": ["section", "text", "x"]}
    (one,) = (await client.post("/v1/rerank", json=body)).json()["results"]
    ranked = rank_texts(model, QUERY, ["section: Catch\ntext: Night."])
    assert one["relevance_score"] == float(ranked.relevance_scores[0])


@pytest.mark.parametrize("top_n", [1, 3, None])
async def test_many_documents_are_ordered_as_one_list(
    client: httpx.AsyncClient, model: CrossEncoder, top_n: int | None
) -> None:
    texts = [f"Note {number} of a keeper: the lamp was lit, the sea calm." for number in range(150)]
    texts[140], texts[3] = TEXTS[1], TEXTS[3]
    body = {"query": QUERY, "documents": texts, "top_n": top_n}
    results = (await client.post("/v2/rerank", json=body)).json()["results"]
    order = rank_texts(model, QUERY, texts).order
    assert len(results) == (top_n or 150)
    # The prefilter guesses which of the hopeless candidates is third.
    sure = 2 if top_n else 150
    assert [one["index"] for one in results][:sure] == order[:top_n][:sure]


async def test_cut_documents_are_reported(client: httpx.AsyncClient) -> None:
    long = "The lamp was lit. " * 2000
    body = {"query": QUERY, "documents": [TEXTS[1], long]}
    answer = (await client.post("/v2/rerank", json=body)).json()
    assert answer["meta"]["warnings"] == ["1 of 2 documents were truncated."]
    body = {"query": QUERY, "documents": TEXTS, "max_tokens_per_doc": 3}
    answer = (await client.post("/v2/rerank", json=body)).json()
    assert answer["meta"]["warnings"] == ["4 of 4 documents were truncated."]
    body = {"query": f"{QUERY} " * 300, "documents": TEXTS}
    answer = (await client.post("/v2/rerank", json=body)).json()
    assert len(answer["meta"]["warnings"]) == 1
    assert "The query was truncated to" in answer["meta"]["warnings"][0]


# Refused requests


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"query": " ", "documents": TEXTS}, 400, "Expected the query to hold text"),
        ({"query": "q", "documents": ["a"] * 1001}, 422, "at most 1,000 documents, got 1,001"),
        ({"query": "q", "documents": ["a"] * 10_000}, 422, "Send them in several requests"),
        ({"query": "q", "documents": [{"title": "A"}]}, 400, "Expected document 0 to have a text"),
        ({"query": "q", "documents": [{"text": 3}]}, 400, "document 0"),
        ({"query": "q", "documents": ["a", {"b": "c"}], "rank_fields": ["a"]}, 400, "document 1"),
        ({"query": "q", "documents": [{"text": "a", "b": {"c": {}}}]}, 422, "documents.0"),
        ({"query": "q", "documents": [{str(n): n for n in range(101)}]}, 422, "100 fields"),
        ({"query": "q", "documents": [None]}, 422, "documents.0"),
        ({"query": "q", "documents": "text"}, 422, "documents"),
        ({"query": "q", "documents": ["\ud800"]}, 400, "valid Unicode"),
        ({"query": "\ud800", "documents": ["a"]}, 422, "query"),
        ({"query": "q"}, 422, "documents: Field required"),
        ({"documents": ["a"]}, 422, "query: Field required"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, 422, "top_n"),
        ({"query": "q" * 20_001, "documents": ["a"]}, 422, "query"),
        ({"query": "q", "documents": ["a" * 4_200_000]}, 413, "Expected a body of at most"),
        ([], 422, "body"),
    ],
)
async def test_bad_requests_are_explained(
    client: httpx.AsyncClient, body: Any, status: int, message: str
) -> None:
    for path in RERANK_PATHS:
        kind = {"Content-Type": "application/json"}
        answer = await client.post(path, content=json.dumps(body), headers=kind)
        assert answer.status_code == answer.json()["status"] == status
        assert message in answer.json()["message"]
        assert len(answer.json()["message"]) < 2000


async def test_deep_json_is_refused(client: httpx.AsyncClient) -> None:
    kind = {"Content-Type": "application/json"}
    answer = await client.post("/v1/rerank", content="[" * 1_000_000, headers=kind)
    assert answer.status_code in (400, 422)


async def test_every_path_but_health_needs_the_token(tiny_index: WikiIndex) -> None:
    async with client_of(create_app(Searcher(tiny_index), token=TOKEN)) as client:
        for path in ("/v1/rerank", "/v2/rerank", "/retrieval", "/api/search"):
            answer = await client.post(path, content=b"not even JSON")
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for path in ("/metrics", "/api/info"):
            assert (await client.get(path)).status_code == 401
            given = {"Authorization": f"Bearer {TOKEN}"}
            assert (await client.get(path, headers=given)).status_code == 200
            given = {"Authorization": f"Basic {TOKEN}"}
            assert (await client.get(path, headers=given)).status_code == 401
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_other_names_are_answered_where_allowed(model: CrossEncoder) -> None:
    app = create_rerank_app(model, allowed_hosts=["host.docker.internal"])
    async with client_of(app) as client:
        for name, status in (("Host.Docker.Internal:8765", 200), ("docker.internal", 400)):
            assert (await client.get("/healthz", headers={"Host": name})).status_code == status


async def test_without_an_index_there_is_only_the_reranker(client: httpx.AsyncClient) -> None:
    for path in ("/", "/api/info", "/page.js"):
        assert (await client.get(path)).status_code == 404
    assert (await client.post("/retrieval", json={"query": "q"})).status_code == 404


@pytest.mark.parametrize("arguments", [[], ["--rerank-only", "--index", "somewhere"]])
def test_an_index_or_only_the_reranker(arguments: list[str]) -> None:
    message = run_command("serve", *arguments, status=1)
    assert "Expected one of --index, --wiki, --zim and --rerank-only" in message


# Limits


def posted(client: httpx.AsyncClient, documents: list[str]) -> asyncio.Task[httpx.Response]:
    body = {"query": QUERY, "documents": documents}
    return asyncio.create_task(client.post("/v2/rerank", json=body))


async def test_a_full_queue_says_when_to_try_again(model: CrossEncoder) -> None:
    queue, free = WorkQueue(max_running=1, max_waiting=1), threading.Event()
    async with client_of(create_rerank_app(model, queue=queue)) as client:
        queue.start(free.wait)
        waiting = [posted(client, TEXTS) for _ in range(2)]
        await until(lambda: queue.waiting == 2)
        refused = await posted(client, TEXTS)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert "Try again in" in refused.json()["message"]
        shown = (await client.get("/metrics")).text
        assert "wikirank_queue_waiting 2\n" in shown
        assert "wikirank_queue_refused_total 1\n" in shown
        free.set()
        assert [(await one).status_code for one in waiting] == [200, 200]
        assert (await posted(client, TEXTS)).status_code == 200
    queue.close()


async def test_a_small_request_does_not_wait_for_a_large_one(client: httpx.AsyncClient) -> None:
    large = posted(client, [f"Note {n}: the lamp was lit. " * 8 for n in range(150)])
    await asyncio.sleep(0)
    small = posted(client, TEXTS[:1])
    done, _ = await asyncio.wait([large, small], return_when=asyncio.FIRST_COMPLETED)
    assert done == {small}
    assert len((await large).json()["results"]) == 150


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[int]:
    """Serve over a real socket in this event loop; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = uvicorn.Server(server_config(app))
        serving = asyncio.create_task(server.serve(sockets=[free]))
        await until(lambda: server.started)
        yield free.getsockname()[1]
        server.should_exit = True
        await serving


@pytest.mark.parametrize("documents", [TEXTS, TEXTS * 200])
async def test_a_client_that_hung_up_is_not_served(
    model: CrossEncoder, documents: list[str]
) -> None:
    queue, free = WorkQueue(max_running=1), threading.Event()
    body = json.dumps({"query": QUERY, "documents": documents}).encode()
    head = (
        "POST /v2/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    async with listening(create_rerank_app(model, queue=queue)) as port:
        waits = documents is TEXTS
        if waits:
            queue.start(free.wait)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode() + body)
        await until(lambda: (queue.waiting if waits else queue.running) == 1)
        writer.close()
        await until(lambda: queue.abandoned == 1)
        free.set()
        await until(lambda: queue.running == queue.waiting == 0)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            shown = (await client.get("/metrics")).text
    assert "wikirank_documents_total 0\n" in shown
    assert 'path="/v2/rerank",status="499"} 1\n' in shown
    assert 'stage="rerank"' not in shown
    queue.close()


async def test_a_body_that_does_not_come() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pytest.fail("no request should get here")

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    queue = WorkQueue()
    scope = {"type": "http", "method": "POST", "path": "/v1/rerank", "headers": []}
    await Admission(app, queue, body_seconds=0.01)(scope, never, send)
    assert sent[0]["status"] == 408
    assert queue.waiting == 0
    queue.close()


async def test_headers_without_end_are_not_read(model: CrossEncoder) -> None:
    sent = 0
    async with listening(create_rerank_app(model)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        with suppress(ConnectionError):
            while sent < 200_000_000:
                writer.write(b"X-Filler: " + b"x" * 65_000 + b"\r\n")
                await writer.drain()
                sent += 65_000
        writer.close()
    assert sent < 50_000_000


async def test_metrics_are_as_prometheus_reads_them(client: httpx.AsyncClient) -> None:
    assert (await posted(client, TEXTS)).status_code == 200
    assert (await client.post("/v1/rerank", json={})).status_code == 422
    assert (await client.get("/some/other/path?q=1")).status_code == 404
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    sample = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+')
    for line in answer.text.splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or sample.fullmatch(line), line
    for line in (
        'wikirank_requests_total{path="/v2/rerank",status="200"} 1',
        'wikirank_requests_total{path="/v1/rerank",status="422"} 1',
        'wikirank_requests_total{path="other",status="404"} 1',
        'wikirank_request_seconds_bucket{path="/v2/rerank",le="+Inf"} 1',
        'wikirank_stage_seconds_count{stage="rerank"} 1',
        f"wikirank_documents_total {len(TEXTS)}",
        "wikirank_queue_running 0",
    ):
        assert f"{line}\n" in answer.text


# Dify


async def ask_dify(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    body = {
        "knowledge_id": "wiki",
        "query": "Who eats herring?",
        "retrieval_setting": {"top_k": 3, "score_threshold": 0.0},
    }
    return await client.post("/retrieval", json={**body, **fields})


async def test_dify_gets_records(tiny_index: WikiIndex) -> None:
    searcher = Searcher(tiny_index)
    async with client_of(create_app(searcher)) as client:
        records = (await ask_dify(client)).json()["records"]
        body = {"query": "Who eats herring?", "k": 3}
        passages = (await client.post("/api/search", json=body)).json()["passages"]
        assert [one["content"] for one in records] == [one["text"] for one in passages]
        assert [one["score"] for one in records] == [one["relevance_score"] for one in passages]
        assert [one["title"] for one in records] == [one["title"] for one in passages]
        for record, passage in zip(records, passages, strict=True):
            assert record["metadata"]["url"] == passage["url"]
            assert record["metadata"].items() >= passage["metadata"].items()
        least = records[1]["score"]
        setting = {"top_k": 3, "score_threshold": least}
        passing = (await ask_dify(client, retrieval_setting=setting)).json()["records"]
        assert passing == records[:2]
        setting = {"top_k": 3, "score_threshold": 1.0}
        assert (await ask_dify(client, retrieval_setting=setting)).json() == {"records": []}


@pytest.mark.parametrize(
    ("operator", "condition", "titles"),
    [
        ("and", [("topic", "is", "Places"), ("year", ">", 1840)], {"Amber Lighthouse"}),
        ("and", [(["title"], "in", ["Velm", "Herring"])], {"Velm", "Herring"}),
        ("or", [("title", "=", "Velm"), ("title", "is", "Bread")], {"Velm", "Bread"}),
    ],
)
async def test_difys_metadata_conditions(
    tiny_index: WikiIndex, operator: str, condition: list[tuple[Any, ...]], titles: set[str]
) -> None:
    conditions = [
        {"name": name, "comparison_operator": compare, "value": value}
        for name, compare, value in condition
    ]
    where = {"logical_operator": operator, "conditions": conditions}
    setting = {"top_k": 50, "score_threshold": 0}
    async with client_of(create_app(Searcher(tiny_index))) as client:
        answer = await ask_dify(client, metadata_condition=where, retrieval_setting=setting)
        assert {one["title"] for one in answer.json()["records"]} == titles


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"query": ""}, 400, "query is empty"),
        ({"retrieval_setting": {"top_k": 10**6, "score_threshold": 0}}, 422, "top_k"),
        ({"retrieval_setting": {"top_k": 3, "score_threshold": 7}}, 422, "score_threshold"),
        (
            {
                "metadata_condition": {
                    "conditions": [{"name": "title", "comparison_operator": "contains"}]
                }
            },
            400,
            "Expected a comparison_operator of is,",
        ),
    ],
)
async def test_what_dify_is_refused(
    tiny_index: WikiIndex, fields: dict[str, Any], status: int, message: str
) -> None:
    async with client_of(create_app(Searcher(tiny_index))) as client:
        answer = await ask_dify(client, **fields)
        assert answer.status_code == status
        assert message in answer.json()["message"]

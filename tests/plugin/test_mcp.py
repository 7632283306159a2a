"""`wikirank mcp`, run as a user runs it, with the official client and LangChain's adapter."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from evidence_structure import entries
from hostile_passages import HOSTILE_PASSAGES
from langchain_core.utils.function_calling import convert_to_openai_function
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from locations import TINY_WIKI
from mcp import ClientSession
from mcp_servers import (
    COMMAND,
    TOKEN,
    Running,
    environment,
    http_server,
    http_session,
    run_mcp,
    search,
    stdio_session,
    text_of,
)

from langchain_wikirank import WikiRetriever, WikiToolkit, create_mcp_server
from wikirank.corpus import open_source
from wikirank.errors import MissingExtraError
from wikirank.index import WikiIndex

QUESTIONS = {
    "Who drew the plans of the lighthouse?": "Amber Lighthouse",
    "How many people live on Velm?": "Velm",
    "Where was Ilse Marn born?": "Ilse Marn",
    "Which pigment absorbs the light?": "Photosynthesis",
    "What does kneading do to dough?": "Bread",
    "What hunts herring?": "Herring",
    "What does an escapement do?": "Clock",
    "How does merge sort work?": "Sorting",
}
TUNING = "How are the strings of a violin tuned?"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the tiny wiki, and of the hostile passages that an index takes."""
    folder = tmp_path_factory.mktemp("mcp") / "index"
    with WikiIndex.create(folder) as index:
        index.add_source(open_source(str(TINY_WIKI)))
    valid = [document for document in HOSTILE_PASSAGES if "\ud800" not in document.page_content]
    WikiRetriever.from_documents(valid, path=folder).index.close()
    return folder


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server over HTTP for all tests."""
    log = tmp_path_factory.mktemp("http") / "log"
    with http_server(log, "--index", str(folder)) as running:
        yield running


@asynccontextmanager
async def session_over(
    transport: str, folder: Path, server: Running
) -> AsyncIterator[ClientSession]:
    over = http_session(server) if transport == "http" else stdio_session(folder)
    async with over as session:
        yield session


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_session(transport: str, folder: Path, server: Running) -> None:
    async with session_over(transport, folder, server) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        with WikiIndex.open(folder) as index:
            toolkit = WikiToolkit(retriever=WikiRetriever(index=index))
            for tool in toolkit.get_tools():
                listed, function = tools.pop(tool.name), convert_to_openai_function(tool)
                assert listed.description == function["description"]
                assert listed.inputSchema == function["parameters"]
                assert listed.annotations is not None
                assert listed.annotations.readOnlyHint
                assert listed.annotations.idempotentHint
        assert tools == {}

        result = await session.call_tool("wiki_search", {"query": TUNING})
        (first, *_) = result.structuredContent["documents"]
        assert (first["citation"], first["title"], first["section"]) == (1, "Violin", "Tuning")
        assert first["url"] == "https://wiki.example/Violin#Tuning"
        assert 0 < first["score"] < 1
        found = entries(text_of(result))
        assert {d["citation"]: d["text"] for d in result.structuredContent["documents"]} == found

        page = await session.call_tool("wiki_read", {"title": "Violin", "section": "Tuning"})
        assert entries(text_of(page)) == {1: "The strings are tuned in fifths: G, D, A and E."}
        hits = await session.call_tool("wiki_find", {"pattern": "drift nets"})
        assert list(entries(text_of(hits)).values()) == [
            "Herring are caught at night with drift nets."
        ]


async def test_errors_say_what_to_do(server: Running) -> None:
    async with http_session(server) as session:
        for name, arguments, message in [
            ("wiki_search", {"query": " "}, "wiki_search was not run. query: "),
            ("wiki_search", {"question": "Why?"}, "Arguments: query, k, "),
            ("wiki_search", {"query": "Why?", "k": 99}, "Correct them, call again."),
            ("wiki_read", {"title": "Nowhere"}, 'The wiki has no page "Nowhere".'),
            ("wiki_fetch", {}, "Tools: wiki_search, wiki_read, wiki_find."),
        ]:
            result = await session.call_tool(name, arguments)
            assert result.isError
            assert message in text_of(result)
            assert "Traceback" not in text_of(result)


async def test_it_abstains_in_text_and_values(server: Running) -> None:
    async with http_session(server) as session:
        result = await session.call_tool("wiki_search", {"query": "What do bonds yield in Peru?"})
        assert not result.isError
        assert "The wiki does not answer this" in text_of(result)
        assert result.structuredContent == {
            "message": text_of(result),
            "abstained": True,
            "left_out": 0,
            "documents": [],
        }


async def test_clients_at_once_have_numbers_of_their_own(server: Running) -> None:
    async def ask(session: ClientSession, question: str) -> None:
        own = await search(session, question)
        assert (own[0]["citation"], own[0]["title"]) == (1, QUESTIONS[question])
        assert [document["citation"] for document in own] == list(range(1, len(own) + 1))
        common = await session.call_tool("wiki_find", {"pattern": "tuned in fifths"})
        assert list(entries(text_of(common))) == [len(own) + 1]
        assert await search(session, question) == own

    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(http_session(server)) for _ in QUESTIONS]
        await asyncio.gather(*map(ask, sessions, QUESTIONS))


async def test_searches_do_not_hold_up_other_messages(folder: Path) -> None:
    async with stdio_session(folder) as session:
        searches = [asyncio.create_task(search(session, question)) for question in QUESTIONS]
        await asyncio.sleep(0)
        await session.send_ping()
        assert not all(task.done() for task in searches)
        await asyncio.gather(*searches)


async def test_hostile_passages_stay_within_their_delimiters(folder: Path) -> None:
    async with stdio_session(folder, "--token-budget", "6000", "--min-score", "0") as session:
        arguments = {"query": "weather signs", "k": 50, "filter": {"section": "Signs"}}
        result = await session.call_tool("wiki_search", arguments)
        found = entries(text_of(result))
        assert len(found) > 12
        documents = result.structuredContent["documents"]
        assert {document["citation"]: document["text"] for document in documents} == found
        assert not re.search(r"<\s*/?\s*passage", json.dumps(documents))


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Bearer {TOKEN}x", TOKEN])
def test_without_the_token_nothing_is_answered(server: Running, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = httpx.post(server.url, json=INITIALIZE, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Host", "evil.example", 421),
        ("Origin", "http://evil.example", 403),
        ("Origin", "http://localhost:3000", 200),
    ],
)
def test_against_dns_rebinding(server: Running, header: str, value: str, status: int) -> None:
    headers = {**server.headers(), **ACCEPT, header: value}
    assert httpx.post(server.url, json=INITIALIZE, headers=headers).status_code == status


def test_a_token_is_made_where_none_is_given(folder: Path, tmp_path: Path) -> None:
    with http_server(tmp_path / "log", "--index", str(folder), token=None) as running:
        assert httpx.post(running.url, json=INITIALIZE).status_code == 401
        _, _, token = running.log.read_text("utf-8").partition("Authorization: Bearer ")
        headers = {**running.headers(token.split()[0]), **ACCEPT}
        answer = httpx.post(running.url, json=INITIALIZE, headers=headers)
        assert answer.status_code == 200
        headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
        # Ctrl-C does not wait for a client that goes on listening.
        with httpx.stream("GET", running.url, headers=headers, timeout=120) as listening:
            assert listening.status_code == 200
            running.process.send_signal(signal.SIGINT)
            assert running.process.wait(120) == 0


@pytest.mark.parametrize(
    ("arguments", "token", "message"),
    [
        (["--transport", "http", "--host", "0.0.0.0"], None, "Expected a token to listen on"),
        (["--transport", "http", "--host", "example.org"], None, "WIKIRANK_MCP_TOKEN"),
        (["--transport", "http"], "short", "at least 16 ASCII characters"),
        ([], None, "There is no index in"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, arguments: list[str], token: str | None, message: str
) -> None:
    done = run_mcp("--index", str(tmp_path / "none"), *arguments, token=token)
    assert done.returncode == 1
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_port_that_is_taken(folder: Path, server: Running) -> None:
    port = httpx.URL(server.url).port
    done = run_mcp("--index", str(folder), "--transport", "http", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr


@pytest.mark.parametrize("end", ["Ctrl-C", "closed input"])
def test_stdio_ends_cleanly(folder: Path, end: str) -> None:
    process = subprocess.Popen(
        [sys.executable, *COMMAND, "--index", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{json.dumps(INITIALIZE)}\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert answer["result"]["serverInfo"]["name"] == "wikirank"
    assert "wiki_search" in answer["result"]["instructions"]
    if end == "Ctrl-C":
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (0, "", "")


async def test_langchains_adapter(folder: Path, server: Running) -> None:
    connection = {"transport": "http", "url": server.url, "headers": server.headers()}
    client = MultiServerMCPClient({"wiki": connection})
    tools = {tool.name: tool for tool in await client.get_tools()}
    assert list(tools) == ["wiki_search", "wiki_read", "wiki_find"]
    async with stdio_session(folder) as session:
        tools_of_session = {tool.name: tool for tool in await load_mcp_tools(session)}
        for tool in (tools["wiki_search"], tools_of_session["wiki_search"]):
            call = {"name": tool.name, "args": {"query": TUNING}, "id": "1", "type": "tool_call"}
            message = await tool.ainvoke(call)
            (block,) = message.content
            assert "The strings are tuned in fifths" in entries(block["text"])[1]
            documents = message.artifact["structured_content"]["documents"]
            assert documents[0]["title"] == "Violin"


def test_the_extra_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, city_retriever: WikiRetriever
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match=r'mcp.*pip install "langchain-wikirank\[mcp\]"'):
        create_mcp_server(city_retriever)


def test_the_command_line_loads_neither_langchain_nor_mcp() -> None:
    code = "import langchain_wikirank.cli, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded.isdisjoint({"langchain_core", "mcp", "uvicorn", "chromadb", "onnxruntime"})

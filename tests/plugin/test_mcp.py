"""`wikirank mcp`, run as a user runs it, with the official client."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from evidence_structure import entries
from fastmcp.client import Client as FastMCPClient
from hostile_passages import HOSTILE_PASSAGES
from langchain_core._api import suppress_langchain_beta_warning
from langchain_core.messages import ToolCall
from langchain_core.utils.function_calling import convert_to_openai_function
from locations import TINY_WIKI
from mcp import Client, MCPError
from mcp_servers import (
    COMMAND,
    TOKEN,
    Running,
    environment,
    hear_ctrl_c,
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
    """An index of the tiny wiki and of the hostile passages that an index accepts."""
    folder = tmp_path_factory.mktemp("mcp") / "index"
    with WikiIndex.create(folder) as index:
        index.add_source(open_source(str(TINY_WIKI)))
    valid = [document for document in HOSTILE_PASSAGES if "\ud800" not in document.page_content]
    WikiRetriever.from_documents(valid, path=folder).index.close()
    return folder


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One HTTP server for all tests."""
    log = tmp_path_factory.mktemp("http") / "log"
    with http_server(log, "--index", str(folder)) as running:
        yield running


@asynccontextmanager
async def session_over(transport: str, folder: Path, server: Running) -> AsyncIterator[Client]:
    over = http_session(server) if transport == "http" else stdio_session(folder)
    async with over as session:
        yield session


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_session(transport: str, folder: Path, server: Running) -> None:
    async with session_over(transport, folder, server) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        searching = tools["wiki_search"].description
        with WikiIndex.open(folder) as index:
            toolkit = WikiToolkit(retriever=WikiRetriever(index=index))
            for tool in toolkit.get_tools():
                listed, function = tools.pop(tool.name), convert_to_openai_function(tool)
                assert listed.description.startswith(function["description"])
                assert listed.input_schema == function["parameters"]
                assert listed.annotations is not None
                assert listed.annotations.read_only_hint
                assert listed.annotations.idempotent_hint
        keys = searching.partition("Filter keys: ")[2].rstrip(".").split(", ")
        assert {"title", "section", "topic", "year"} <= set(keys)
        assert list(tools) == ["wiki_list"]

        result = await session.call_tool("wiki_search", {"query": TUNING})
        (first, *_) = result.structured_content["documents"]
        assert (first["citation"], first["title"], first["section"]) == (1, "Violin", "Tuning")
        assert first["url"] == "https://wiki.example/Violin#Tuning"
        assert 0 < first["score"] < 1
        found = entries(text_of(result))
        assert {d["citation"]: d["text"] for d in result.structured_content["documents"]} == found

        page = await session.call_tool("wiki_read", {"title": "Violin", "section": "Tuning"})
        assert entries(text_of(page)) == {1: "The strings are tuned in fifths: G, D, A and E."}
        hits = await session.call_tool("wiki_find", {"pattern": "drift nets"})
        assert list(entries(text_of(hits)).values()) == [
            "Herring are caught at night with drift nets."
        ]


async def test_langchains_own_adapter(server: Running) -> None:
    with suppress_langchain_beta_warning():
        from langchain.mcp import MCPAdapter
    async with MCPAdapter(FastMCPClient(server.url, auth=TOKEN)) as adapter:
        tools = {tool.name: tool for tool in await adapter.list_tools()}
        assert list(tools) == ["wiki_search", "wiki_read", "wiki_find", "wiki_list"]
        call = ToolCall(name="wiki_search", args={"query": TUNING}, id="1", type="tool_call")
        message = await tools["wiki_search"].ainvoke(call)
    assert message.status == "success"
    assert "The strings are tuned in fifths: G, D, A and E." in str(message.content)


async def test_errors_say_what_to_do(server: Running) -> None:
    async with http_session(server) as session:
        for name, arguments, message in [
            ("wiki_search", {"query": " "}, "wiki_search was not run. query: "),
            ("wiki_search", {"question": "Why?"}, "Arguments: query, k, "),
            ("wiki_search", {"query": "Why?", "k": 99}, "Correct them, call again."),
            ("wiki_read", {"title": "Nowhere"}, 'The wiki has no page "Nowhere".'),
            ("wiki_fetch", {}, "Tools: wiki_search, wiki_read, wiki_find, wiki_list."),
        ]:
            result = await session.call_tool(name, arguments)
            assert result.is_error
            assert message in text_of(result)
            assert "Traceback" not in text_of(result)


async def test_it_abstains_in_text_and_values(server: Running) -> None:
    async with http_session(server) as session:
        result = await session.call_tool("wiki_search", {"query": "What do bonds yield in Peru?"})
        assert not result.is_error
        assert "The wiki does not answer this" in text_of(result)
        assert result.structured_content == {
            "message": text_of(result),
            "abstained": True,
            "left_out": 0,
            "documents": [],
        }


async def test_clients_at_once_have_numbers_of_their_own(server: Running) -> None:
    async def ask(session: Client, question: str) -> None:
        own = await search(session, question)
        assert (own[0]["citation"], own[0]["title"]) == (1, QUESTIONS[question])
        assert [document["citation"] for document in own] == list(range(1, len(own) + 1))
        common = await session.call_tool("wiki_find", {"pattern": "tuned in fifths"})
        assert list(entries(text_of(common))) == [len(own) + 1]
        assert await search(session, question) == own

    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(http_session(server)) for _ in QUESTIONS]
        await asyncio.gather(*map(ask, sessions, QUESTIONS))


async def test_searches_of_one_conversation_do_not_hold_up_other_messages(folder: Path) -> None:
    async with stdio_session(folder, mode="legacy") as session:
        await assert_one_conversation(session)
        questions = [*QUESTIONS] * 4
        searches = [asyncio.create_task(search(session, question)) for question in questions]
        await asyncio.wait(searches, return_when=asyncio.FIRST_COMPLETED)
        await session.list_tools()
        await session.list_resources()
        # One at a time, the last would have waited for nearly all others.
        assert sum(task.done() for task in searches) < len(searches) / 2
        await asyncio.gather(*searches)


async def test_hostile_passages_stay_within_their_delimiters(folder: Path) -> None:
    async with stdio_session(folder, "--token-budget", "6000", "--min-score", "0") as session:
        arguments = {"query": "weather signs", "k": 50, "filter": {"section": "Signs"}}
        result = await session.call_tool("wiki_search", arguments)
        found = entries(text_of(result))
        assert len(found) > 12
        documents = result.structured_content["documents"]
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
        # Ctrl-C does not wait for a client that keeps its stream open.
        with httpx.stream("GET", running.url, headers=headers, timeout=None) as listening:
            assert listening.status_code == 200
            running.process.send_signal(signal.SIGINT)
            assert running.process.wait() == 0


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
    with subprocess.Popen(
        [sys.executable, *COMMAND, "--index", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=hear_ctrl_c,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(INITIALIZE)}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["result"]["serverInfo"]["name"] == "wikirank"
        assert "wiki_search" in answer["result"]["instructions"]
        if end == "Ctrl-C":  # while the input is still open
            process.send_signal(signal.SIGINT)
            assert process.wait() == 0
        out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "", "")


async def test_without_sessions_each_call_has_numbers_of_its_own(server: Running) -> None:
    async with http_session(server, mode="2026-07-28") as client:
        for question in list(QUESTIONS)[:2]:
            found = await search(client, question)
            assert (found[0]["citation"], found[0]["title"]) == (1, QUESTIONS[question])


async def assert_one_conversation(client: Client) -> None:
    first = await search(client, TUNING)
    other = await search(client, "How does merge sort work?")
    assert other[0]["citation"] == len(first) + 1
    assert await search(client, TUNING) == first


async def test_over_stdio_there_is_one_conversation(folder: Path) -> None:
    async with stdio_session(folder, mode="2026-07-28") as client:
        await assert_one_conversation(client)


async def test_pages_are_resources(server: Running) -> None:
    async with http_session(server) as client:
        listed = (await client.list_resources()).resources
        uris = {resource.name: resource.uri for resource in listed}
        assert uris["Amber Lighthouse"] == "wiki://Amber%20Lighthouse"
        titles = set(QUESTIONS.values())
        assert [name for name in uris if name in titles] == sorted(titles)
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "wiki://{title}"

        (page,) = (await client.read_resource("wiki://Violin")).contents
        assert page.text.startswith("Violin\n\n")
        assert "\n\n== Tuning ==\n\nThe strings are tuned in fifths: G, D, A and E." in page.text
        (section,) = (await client.read_resource("wiki://Violin#Tuning")).contents
        assert section.text.count("==") == 2
        for uri in ("wiki://Nowhere", "wiki://Violin#Price", "wiki://", "file:///etc/passwd"):
            with pytest.raises(MCPError, match=r"The wiki has no page|no section|Expected an add"):
                await client.read_resource(uri)


async def test_a_prompt_to_answer_with_citations(server: Running) -> None:
    async with http_session(server) as client:
        (prompt,) = (await client.list_prompts()).prompts
        written = await client.get_prompt(prompt.name, {"question": TUNING})
        (message,) = written.messages
        assert message.role == "user"
        assert message.content.text.endswith(f"Question: {TUNING}")
        for name, arguments in [(prompt.name, {}), (prompt.name, {"question": "q" * 2001})]:
            with pytest.raises(MCPError, match="Expected a question of 1 to 2,000"):
                await client.get_prompt(name, arguments)
        with pytest.raises(MCPError, match="Expected the prompt answer_from_wiki"):
            await client.get_prompt("other", {})


async def test_titles_are_listed(server: Running) -> None:
    async def listed(**arguments: object) -> list[str]:
        text = text_of(await client.call_tool("wiki_list", arguments))
        return [line[2:] for line in text.splitlines() if line.startswith("- ")]

    async with http_session(server) as client:
        everything, titles = await listed(limit=100), set(QUESTIONS.values())
        assert [title for title in everything if title in titles] == sorted(titles)
        assert await listed(prefix="ve") == ["Velm"]
        assert await listed(filter={"topic": "Places"}) == ["Amber Lighthouse", "Velm"]
        first = await client.call_tool("wiki_list", {"limit": 1})
        assert f'go on with wiki_list after "{everything[0]}"' in text_of(first)
        assert await listed(limit=1, after=everything[0]) == [everything[1]]
        assert await listed(after="\U0010ffff") == []
        result = await client.call_tool("wiki_list", {"filter": {"hue": 1}})
        assert result.is_error
        assert "hue" in text_of(result)


def pinged(running: Running, session_id: str | None = None) -> tuple[int, str]:
    """Ping within a session (default: a new one); return the status and the session id."""
    headers = {**running.headers(), **ACCEPT}
    if session_id is None:
        made = httpx.post(running.url, json=INITIALIZE, headers=headers, timeout=300)
        session_id = made.headers["Mcp-Session-Id"]
    headers["Mcp-Session-Id"] = session_id
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    answer = httpx.post(running.url, json=ping, headers=headers, timeout=300)
    return answer.status_code, session_id


def test_an_idle_session_ends(server: Running, folder: Path, tmp_path: Path) -> None:
    status, session_id = pinged(server)
    assert (status, pinged(server, session_id)[0], pinged(server, "unknown")[0]) == (200, 200, 404)
    with http_server(tmp_path / "log", "--index", str(folder), "--session-idle", "0.01") as running:
        _, session_id = pinged(running)
        # Each request extends the session by 0.6 s.
        while pinged(running, session_id)[0] != 404:
            time.sleep(1)


def test_the_extra_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, city_retriever: WikiRetriever
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match=r'mcp.*pip install "langchain-wikirank\[mcp\]"'):
        create_mcp_server(city_retriever)


def test_another_version_is_reported_in_a_line(
    monkeypatch: pytest.MonkeyPatch, city_retriever: WikiRetriever, tmp_path: Path
) -> None:
    for number, folder in (("1.30.0", "old"), ("3.0.0", "new")):
        place = tmp_path / folder / f"mcp-{number}.dist-info"
        place.mkdir(parents=True)
        place.joinpath("METADATA").write_text(f"Name: mcp\nVersion: {number}\n", "utf-8")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(place.parent))
            with pytest.raises(MissingExtraError, match=f"Expected version 2 .* got {number}"):
                create_mcp_server(city_retriever)


def test_the_command_line_loads_neither_langchain_nor_mcp() -> None:
    code = "import langchain_wikirank.cli, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded.isdisjoint({"langchain_core", "mcp", "uvicorn", "chromadb", "onnxruntime"})

"""Agents, chains and MCP clients with a wiki without an index: a MediaWiki and a ZIM file."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from australia import CAPITAL, PAGES
from evidence_structure import entries
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolCall
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_function
from mcp import Client, MCPError, StdioServerParameters
from mcp_servers import COMMAND, environment, text_of
from scripted import scripted

from langchain_wikirank import (
    LiveWikiRetriever,
    WikiContextMiddleware,
    WikiRetriever,
    WikiToolkit,
    create_mcp_server,
)

CHOSEN = "Canberra was chosen as the capital of Australia in 1908."


@pytest.fixture(params=["mediawiki", "zim"])
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The command-line option that names a wiki, and its value."""
    if request.param == "zim":
        return "--zim", str(request.getfixturevalue("zim"))
    return "--wiki", request.getfixturevalue("served_wiki").url


@pytest.fixture
def retriever(place: tuple[str, str]) -> Iterator[LiveWikiRetriever]:
    if place[0] == "--zim":
        yield WikiRetriever.from_zim(place[1], seconds=600)
        return
    retriever = WikiRetriever.from_mediawiki(place[1], seconds=600)
    with retriever.wiki:
        yield retriever


@pytest.fixture
def tools(retriever: LiveWikiRetriever) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in WikiToolkit(retriever=retriever).get_tools()}


def test_searching(tools: dict[str, BaseTool]) -> None:
    assert entries(tools["wiki_search"].invoke({"query": CAPITAL}))[1] == CHOSEN
    schema = convert_to_openai_function(tools["wiki_search"])["parameters"]["properties"]
    assert set(schema) == {"query", "k", "min_score"}  # Options that need an index are missing.
    assert "Filter keys" not in tools["wiki_search"].description
    said = tools["wiki_search"].invoke({"query": CAPITAL, "filter": {"title": "Perth"}})
    assert "wiki_search was not run. filter" in said


def test_reading(tools: dict[str, BaseTool]) -> None:
    for named in ({"title": "Canberra", "section": "history"}, {"title": "canberra#History"}):
        assert entries(tools["wiki_read"].invoke(named)) == {1: CHOSEN}
    whole = tools["wiki_read"].invoke({"title": "Canberra"})
    assert 'Sections: "History", "Climate".' in whole
    missing = tools["wiki_read"].invoke({"title": "Canberry"})
    assert 'The wiki has no page "Canberry".' in missing
    assert '"Canberra"' in missing
    for odd in ("a|b", "[[x]]", "x" * 300, "https://elsewhere.example/wiki/Canberra", "\x00", "#"):
        assert "has no page" in tools["wiki_read"].invoke({"title": odd}), odd


def test_reading_by_the_address_that_is_cited(
    tools: dict[str, BaseTool], retriever: LiveWikiRetriever
) -> None:
    address = retriever.invoke(CAPITAL)[0].metadata["url"]
    assert entries(tools["wiki_read"].invoke({"title": address})) == {1: CHOSEN}


def test_finding(tools: dict[str, BaseTool]) -> None:
    find = tools["wiki_find"]
    assert list(entries(find.invoke({"pattern": "perfect fifths"})).values()) == [PAGES["Violin"]]
    within = find.invoke({"pattern": r"\d{4}", "title": "Canberra", "regex": True})
    assert list(entries(within).values()) == [CHOSEN]
    assert "stands nowhere" in find.invoke({"pattern": "sailed the sea of milk"})
    refused = find.invoke({"pattern": "a+", "regex": True})
    assert "Give a title" in refused


def test_the_middleware(retriever: LiveWikiRetriever) -> None:
    model = scripted("Canberra [1].")
    agent = create_agent(model, middleware=[WikiContextMiddleware(retriever)])
    result = agent.invoke({"messages": [("user", CAPITAL)]})
    assert result["wiki_documents"][0]["page_content"] == CHOSEN


def test_an_agent_with_tools(retriever: LiveWikiRetriever) -> None:
    call = ToolCall(name="wiki_search", args={"query": CAPITAL}, id="1", type="tool_call")
    model = scripted(AIMessage("", tool_calls=[call]), "Canberra [1].")
    toolkit = WikiToolkit(retriever=retriever)
    answer = create_agent(model, toolkit.get_tools()).invoke({"messages": [("user", CAPITAL)]})
    assert CHOSEN in answer["messages"][2].content


async def test_an_mcp_server(retriever: LiveWikiRetriever, place: tuple[str, str]) -> None:
    async def listed(**arguments: object) -> list[str]:
        result = await client.call_tool("wiki_list", arguments)
        return [line[2:] for line in text_of(result).splitlines() if line.startswith("- ")]

    async with Client(create_mcp_server(retriever)) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["wiki_search", "wiki_read", "wiki_find", "wiki_list"]
        titles = {resource.name for resource in (await client.list_resources()).resources}
        assert set(PAGES) <= titles
        page = await client.read_resource("wiki://Canberra#History")
        assert CHOSEN in page.contents[0].text
        with pytest.raises(MCPError, match="no page 'Nowhere'"):
            await client.read_resource("wiki://Nowhere")
        assert await listed(prefix="can") == ["Canberra"]
        (first,) = await listed(limit=1)
        said = text_of(await client.call_tool("wiki_list", {"limit": 1}))
        after = said.partition("go on with wiki_list after ")[2].strip()[1:-2]
        assert first not in await listed(after=after)
        assert len(await listed(after=after, limit=100)) >= len(PAGES) - 1
        if place[0] == "--wiki":
            assert await listed(category="Cities") == ["Canberra", "Perth"]
            assert await listed(links_to="Canberra") == ["Perth"]
            assert await listed(links_from="Perth") == ["Canberra", "Sydney"]
            assert await listed(links_from="Nowhere at all") == []
            both = await client.call_tool("wiki_list", {"prefix": "A", "category": "Cities"})
            assert "Expected one condition" in text_of(both)
        else:
            refused = await client.call_tool("wiki_list", {"category": "Cities"})
            assert "does not record" in text_of(refused)


async def test_the_command_for_mcp_clients(place: tuple[str, str]) -> None:
    parameters = StdioServerParameters(
        command=sys.executable, args=[*COMMAND, *place], env=environment()
    )
    async with Client(parameters) as client:
        result = await client.call_tool("wiki_search", {"query": CAPITAL})
        assert result.structured_content["documents"][0]["text"] == CHOSEN

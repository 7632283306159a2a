"""The search tool: langchain-tests untouched, what the chat model reads, what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from city_texts import CAPITAL
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from pydantic import ValidationError

from langchain_wikirank import WikiReranker, WikiRetriever, create_wiki_search_tool


def call(**args: Any) -> ToolCall:
    return ToolCall(name="wiki_search", args=args, id="1", type="tool_call")


@pytest.fixture(scope="session")
def tool(city_retriever: WikiRetriever) -> BaseTool:
    return create_wiki_search_tool(city_retriever)


class WithTool:
    @pytest.fixture(autouse=True)
    def _tool(self, city_retriever: WikiRetriever) -> None:
        self.made = create_wiki_search_tool(city_retriever)

    @property
    def tool_constructor(self) -> BaseTool:
        return self.made

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"query": CAPITAL, "k": 2}


class TestWikiSearchToolUnit(WithTool, ToolsUnitTests): ...


class TestWikiSearchToolIntegration(WithTool, ToolsIntegrationTests): ...


async def test_what_the_model_reads_and_what_is_kept(
    tool: BaseTool, city_retriever: WikiRetriever
) -> None:
    message = tool.invoke(call(query=CAPITAL, k=1))
    assert isinstance(message, ToolMessage)
    assert message.content == (
        "[1] Canberra › History\n"
        "Canberra was chosen as the capital of Australia in 1908.\n"
        "https://w.org/Canberra"
    )
    assert message.artifact["documents"] == city_retriever.invoke(CAPITAL, k=1)
    assert {"embed", "rerank", "total"} <= message.artifact["timings"].keys()
    later = await tool.ainvoke(call(query=CAPITAL, k=1))
    assert later.content == message.content
    assert later.artifact["documents"] == message.artifact["documents"]
    assert later.artifact["timings"].keys() == message.artifact["timings"].keys()


def test_several_passages_are_numbered(tool: BaseTool) -> None:
    blocks = tool.invoke({"query": CAPITAL}).split("\n\n")
    assert [block[:3] for block in blocks] == ["[1]", "[2]", "[3]", "[4]", "[5]"]


def test_a_passage_without_heading_or_url() -> None:
    tool = create_wiki_search_tool(WikiRetriever.from_texts(["Frost is frozen dew."]))
    assert tool.invoke({"query": "frost"}) == "[1]\nFrost is frozen dew."


async def test_nothing_found() -> None:
    empty = create_wiki_search_tool(WikiRetriever.from_documents([]))
    message = await empty.ainvoke(call(query=CAPITAL))
    assert message.content == "The wiki has no passage that answers this query."
    assert message.artifact["documents"] == []


def test_its_schema_tells_the_model_what_to_give(tool: BaseTool) -> None:
    properties = tool.tool_call_schema.model_json_schema()["properties"]
    assert properties.keys() == {"query", "k"}
    assert all(field["description"] for field in properties.values())
    assert (tool.name, tool.response_format) == ("wiki_search", "content_and_artifact")


@pytest.mark.parametrize("args", [{"query": " "}, {"query": "x", "k": 0}, {"k": 1}])
def test_arguments_that_a_model_gets_wrong(tool: BaseTool, args: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tool.invoke(args)


class Runs(BaseCallbackHandler):
    """Keeps the run ids of tools and of the retrievers below them."""

    def __init__(self) -> None:
        self.tools: list[Any] = []
        self.parents_of_retrievers: list[Any] = []

    def on_tool_start(self, *_: Any, run_id: Any, **__: Any) -> None:
        self.tools.append(run_id)

    def on_retriever_start(self, *_: Any, parent_run_id: Any, **__: Any) -> None:
        self.parents_of_retrievers.append(parent_run_id)


async def test_the_retriever_is_traced_below_the_tool(tool: BaseTool) -> None:
    runs = Runs()
    tool.invoke({"query": CAPITAL}, {"callbacks": [runs]})
    await tool.ainvoke({"query": CAPITAL}, {"callbacks": [runs]})
    assert len(runs.tools) == 2
    assert runs.parents_of_retrievers == runs.tools


async def test_a_retriever_around_ours_keeps_the_timings(city_retriever: WikiRetriever) -> None:
    wrapped = ContextualCompressionRetriever(
        base_compressor=WikiReranker(top_n=1), base_retriever=city_retriever
    )
    tool = create_wiki_search_tool(wrapped, name="cities", description="Search the cities.")
    for message in (tool.invoke(call(query=CAPITAL)), await tool.ainvoke(call(query=CAPITAL))):
        assert [document.id for document in message.artifact["documents"]] == ["city-0"]
        assert message.artifact["timings"]["total"] > 0
    assert (tool.name, tool.description) == ("cities", "Search the cities.")

"""The tools of `WikiToolkit`: unmodified langchain-tests, text for the model, and state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from city_texts import CAPITAL
from evidence_structure import entries, outside
from hostile_passages import HOSTILE_PASSAGES
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ValidationError

from langchain_wikirank import WikiRetriever, WikiToolkit
from langchain_wikirank._evidence.tokens import token_counter
from langchain_wikirank._evidence.write import HEADER

COUNT = token_counter()
HISTORY = [
    ("History", "Canberra was chosen as the capital of Australia in 1908."),
    ("History", "Its plan was drawn by Walter Burley Griffin, an architect from Chicago."),
    ("Climate", "Winters in Canberra are cold, with frost on many nights."),
    ("Climate › Rain", "It rains most in October, when storms come from the west."),
]


def call(tool: str, /, **args: Any) -> ToolCall:
    return ToolCall(name=tool, args=args, id="1", type="tool_call")


def named(toolkit: WikiToolkit) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in toolkit.get_tools()}


def ask(toolkit: WikiToolkit, tool: str, /, thread: str = "t", **args: Any) -> ToolMessage:
    config = {"configurable": {"thread_id": thread}}
    message = named(toolkit)[tool].invoke(call(tool, **args), config)
    assert isinstance(message, ToolMessage)
    assert COUNT(message.text) <= toolkit.token_budget
    return message


@pytest.fixture(scope="session")
def retriever() -> WikiRetriever:
    texts = [text for _, text in HISTORY]
    metadatas: list[dict[str, Any]] = [
        {
            "title": "Canberra",
            "section": section,
            "url": "https://w.org/Canberra",
            "topic": "Cities",
        }
        for section, _ in HISTORY
    ]
    texts += ["Sourdough bread is leavened by wild yeast.", "A violin has four strings."]
    metadatas += [{"title": "Sourdough"}, {"title": "Violin", "topic": "Music"}]
    return WikiRetriever.from_texts(
        texts, metadatas=metadatas, ids=[f"p{index}" for index in range(len(texts))]
    )


@pytest.fixture
def toolkit(retriever: WikiRetriever) -> WikiToolkit:
    return WikiToolkit(retriever=retriever)


EXAMPLES = {
    "wiki_search": {"query": CAPITAL, "k": 2},
    "wiki_read": {"title": "Canberra", "section": "Climate"},
    "wiki_find": {"pattern": "wild yeast"},
}


class WithTool:
    name = "wiki_search"

    @pytest.fixture(autouse=True)
    def _tool(self, retriever: WikiRetriever) -> None:
        self.made = named(WikiToolkit(retriever=retriever))[self.name]

    @property
    def tool_constructor(self) -> BaseTool:
        return self.made

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return EXAMPLES[self.name]


class TestWikiSearchUnit(WithTool, ToolsUnitTests): ...


class TestWikiSearchIntegration(WithTool, ToolsIntegrationTests): ...


class TestWikiReadUnit(WithTool, ToolsUnitTests):
    name = "wiki_read"


class TestWikiReadIntegration(WithTool, ToolsIntegrationTests):
    name = "wiki_read"


class TestWikiFindUnit(WithTool, ToolsUnitTests):
    name = "wiki_find"


class TestWikiFindIntegration(WithTool, ToolsIntegrationTests):
    name = "wiki_find"


def test_a_search(toolkit: WikiToolkit) -> None:
    message = ask(toolkit, "wiki_search", query=CAPITAL, k=1)
    assert message.text == (
        f"{HEADER}\n\n[1] Canberra › History\nw.org/Canberra\n«{HISTORY[0][1]}»"
    )
    (document,) = message.artifact["documents"]
    assert (document.id, document.metadata["citation"]) == ("p0", 1)
    assert {"dense_score", "lexical_score", "rerank_logit", "relevance_score"} <= (
        document.metadata.keys()
    )
    assert {"embed", "rerank", "total"} <= message.artifact["timings"].keys()
    assert (message.artifact["left_out"], message.artifact["abstained"]) == (0, False)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_async_gives_the_same(toolkit: WikiToolkit, name: str) -> None:
    tool = named(toolkit)[name]
    one, other = (
        tool.invoke(call(name, **EXAMPLES[name])),
        await tool.ainvoke(call(name, **EXAMPLES[name])),
    )
    assert one.content == other.content
    assert one.artifact["documents"] == other.artifact["documents"]
    assert one.artifact["timings"].keys() == other.artifact["timings"].keys() >= {"total"}


def test_numbers_are_shared_by_the_tools_and_kept_apart_by_conversation(
    toolkit: WikiToolkit,
) -> None:
    assert list(entries(ask(toolkit, "wiki_find", pattern="four strings").text)) == [1]
    assert list(entries(ask(toolkit, "wiki_read", title="Sourdough").text)) == [2]
    both = ask(toolkit, "wiki_search", query="How many strings has a violin?", k=1)
    assert list(entries(both.text)) == [1]
    other = ask(toolkit, "wiki_read", thread="other", title="Sourdough")
    assert list(entries(other.text)) == [1]


def test_filters(toolkit: WikiToolkit) -> None:
    def found(**args: Any) -> set[str]:
        message = ask(toolkit, "wiki_search", query="What is it like?", min_score=0, k=9, **args)
        return {d.metadata["title"] for d in message.artifact["documents"]}

    assert found(title="violin") == {"Violin"}
    assert found(filter={"topic": "Cities"}) == {"Canberra"}
    assert found(filter={"topic": {"$in": ["Music", "Cities"]}}, title="Violin") == {"Violin"}
    message = ask(toolkit, "wiki_search", query="weather", section="climate", min_score=0)
    sections = {document.metadata["section"] for document in message.artifact["documents"]}
    assert sections == {"Climate", "Climate › Rain"}


def test_the_retrievers_own_filter_holds_too(retriever: WikiRetriever) -> None:
    cities = retriever.model_copy(update={"filter": {"topic": "Cities"}})
    message = ask(
        WikiToolkit(retriever=cities, min_score=None),
        "wiki_search",
        query="How many strings has a violin?",
        filter={"title": "Violin"},
    )
    assert message.artifact["documents"] == []


def test_it_abstains(toolkit: WikiToolkit) -> None:
    message = ask(toolkit, "wiki_search", query="Who won the chess match on Mars in 2031?")
    assert message.text.startswith("The wiki does not answer this: no passage is relevant enough.")
    assert re.search(r'Nearest pages, which may not help: ".+"\.', message.text)
    assert (message.artifact["documents"], message.artifact["abstained"]) == ([], True)
    assert message.status == "success"
    doubtful = ask(toolkit, "wiki_search", query="Who won the chess match on Mars?", min_score=0)
    assert len(doubtful.artifact["documents"]) > 0


def test_an_empty_wiki() -> None:
    toolkit = WikiToolkit(retriever=WikiRetriever.from_documents([]))
    assert ask(toolkit, "wiki_search", query="x").artifact["abstained"]
    assert "Call wiki_search to see" in ask(toolkit, "wiki_read", title="x").text
    assert ask(toolkit, "wiki_find", pattern="x").artifact["abstained"]


def test_a_retriever_that_does_not_rerank(retriever: WikiRetriever) -> None:
    plain = retriever.model_copy(update={"rerank": False})
    message = ask(WikiToolkit(retriever=plain), "wiki_search", query="yeast", k=1)
    assert message.artifact["documents"][0].metadata["title"] == "Sourdough"


def test_reading(toolkit: WikiToolkit) -> None:
    whole = ask(toolkit, "wiki_read", title="canberra")
    assert whole.text.startswith(
        'The page "Canberra". Sections: "History", "Climate", "Climate › Rain".\n'
    )
    history, climate, rain = entries(whole.text).values()
    assert history == f"{HISTORY[0][1]} {HISTORY[1][1]}"
    assert (climate, rain) == (HISTORY[2][1], HISTORY[3][1])
    for address in ("https://w.org/Canberra#Climate", "w.org/Canberra#Climate"):
        section = ask(toolkit, "wiki_read", title=address)
        assert list(entries(section.text).values()) == [climate, rain]
    later = ask(toolkit, "wiki_read", title="Canberra", position=3)
    assert entries(later.text) == {3: rain}


def test_reading_on_to_the_end() -> None:
    sentences = [f"This is sentence number {number} of a long page." for number in range(120)]
    long = WikiRetriever.from_texts([" ".join(sentences)], metadatas=[{"title": "Long"}])
    toolkit = WikiToolkit(retriever=long, token_budget=400)
    read, position, slices = "", 0, 0
    while True:
        message = ask(toolkit, "wiki_read", title="Long", position=position)
        read += " " + " ".join(entries(message.text).values())
        slices += 1
        following = re.search(r'go on with wiki_read "Long" position (\d+)', message.text)
        if following is None:
            break
        position = int(following[1])
    assert read.split() == " ".join(sentences).split()
    assert slices > 3


def test_finding(toolkit: WikiToolkit) -> None:
    message = ask(toolkit, "wiki_find", pattern="WALTER  Burley")
    assert message.text.startswith('"WALTER Burley" stands in 1 passage. The sentences with it:\n')
    assert list(entries(message.text).values()) == [HISTORY[1][1]]
    by_year = ask(toolkit, "wiki_find", pattern=r"\b19\d\d\b", regex=True, title="Canberra")
    assert list(entries(by_year.text).values()) == [HISTORY[0][1]]
    nothing = ask(toolkit, "wiki_find", pattern="zebra", title="Violin")
    assert nothing.text.startswith('"zebra" stands nowhere on "Violin". Try fewer words')
    assert nothing.artifact["abstained"]


@pytest.mark.parametrize(
    ("tool", "args", "message"),
    [
        ("wiki_search", {"query": " "}, "query: .*at least 1 character.* call again"),
        ("wiki_search", {"query": "x", "k": 51}, "k: Input should be less than or equal to 50"),
        ("wiki_search", {}, "query: Field required. Arguments: query, k, title"),
        ("wiki_search", {"query": "x", "page": 1}, "page: Extra inputs are not permitted"),
        ("wiki_search", {"query": "x", "filter": {"topicc": 1}}, "'topicc'. Keys .*title, topic"),
        ("wiki_search", {"query": "x", "title": "Canbera"}, 'no page "Canbera".*"Canberra"'),
        ("wiki_search", {"query": "x", "section": "Sport"}, 'no section "Sport". Search without'),
        (
            "wiki_search",
            {"query": "x", "section": "Sport", "title": "Canberra"},
            'no section "Sport" on "Canberra". Its sections: "History", "Climate"',
        ),
        ("wiki_read", {"title": "Violinn"}, 'no page "Violinn". Titles like it: "Violin"'),
        ("wiki_read", {"title": "Canberra", "section": "Sport"}, 'Its sections: "History"'),
        ("wiki_read", {"title": "Violin", "section": "Sport"}, "It has none"),
        ("wiki_read", {"title": "Violin", "position": 7}, "ends at position 0: .* nothing at 7"),
        ("wiki_find", {"pattern": "(", "regex": True}, r"a regular expression, got .*: missing"),
        ("wiki_find", {"pattern": "x" * 301}, "pattern: String should have at most 300"),
    ],
)
async def test_mistakes_come_back_as_messages(
    toolkit: WikiToolkit, tool: str, args: dict[str, Any], message: str
) -> None:
    one = ask(toolkit, tool, **args)
    other = await named(toolkit)[tool].ainvoke(call(tool, **args))
    assert one.status == other.status == "error"
    assert re.search(message, one.text)
    assert one.content == other.content
    assert "Traceback" not in one.text


def test_a_damaged_database_is_reported() -> None:
    broken = WikiRetriever.from_texts(["Tea is hot."], metadatas=[{"title": "Tea"}])
    broken.index.store.connection.execute("DROP TABLE passages")
    message = ask(WikiToolkit(retriever=broken), "wiki_read", title="Tea")
    assert message.status == "error"
    assert "wikirank verify says what can be repaired" in message.text


def test_unexpected_errors_are_reported_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    broken = WikiRetriever.from_texts(["Tea is hot."], metadatas=[{"title": "Tea"}])
    toolkit = WikiToolkit(retriever=broken)
    broken.index.embedder = None  # type: ignore[assignment]
    message = ask(toolkit, "wiki_search", query="Tea")
    assert message.status == "error"
    assert message.text.startswith("wiki_search failed (AttributeError). Do not repeat")
    assert caplog.records[0].exc_info is not None


def test_hostile_passages_change_no_tools_structure() -> None:
    retriever = WikiRetriever.from_documents(
        [d for d in HOSTILE_PASSAGES if "\ud800" not in d.page_content], k=50
    )
    toolkit = WikiToolkit(retriever=retriever, token_budget=5000, min_score=None)
    titles = {str(document.metadata["title"]) for document in HOSTILE_PASSAGES}
    answers = [
        ask(
            toolkit, "wiki_search", query="passage of the wiki: sun, rain, snow, fog and wind", k=50
        ),
        ask(toolkit, "wiki_find", pattern=r"(?s).", regex=True),
        *(ask(toolkit, "wiki_read", title=title) for title in titles),
    ]
    for message in answers:
        if message.status == "success":
            assert len(entries(message.text)) == len(message.artifact["documents"]) > 0
            assert HEADER in outside(message.text)
    assert sum(message.status == "success" for message in answers) >= 20
    for pattern in ("»", "[1] x", "«", "«[7]»"):
        told = outside(ask(toolkit, "wiki_find", pattern=pattern).text)
        assert "«" not in told.replace(HEADER, "")


def test_a_small_budget_and_the_callers_counter(retriever: WikiRetriever) -> None:
    counted: list[str] = []

    def characters(text: str) -> int:
        counted.append(text)
        return len(text) // 2

    toolkit = WikiToolkit(
        retriever=retriever, token_budget=200, count_tokens=characters, min_score=None
    )
    message = named(toolkit)["wiki_search"].invoke(call("wiki_search", query=CAPITAL))
    assert len(message.text) // 2 <= 200
    assert message.text in counted
    assert message.artifact["left_out"] > 0


@pytest.mark.parametrize(
    "settings",
    [
        {"token_budget": 100},
        {"min_score": 2},
        {"min_top_score": 2},
        {"budget": 1},
        {"count_tokens": 5},
    ],
)
def test_wrong_settings(retriever: WikiRetriever, settings: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        WikiToolkit(retriever=retriever, **settings)


@pytest.mark.parametrize("name", EXAMPLES)
def test_schemas_tell_the_model_what_to_give(toolkit: WikiToolkit, name: str) -> None:
    tool = named(toolkit)[name]
    properties = tool.tool_call_schema.model_json_schema()["properties"]
    assert EXAMPLES[name].keys() <= properties.keys()
    assert all(field["description"] for field in properties.values())
    assert not properties.keys() & {"config", "callbacks", "args", "given"}
    assert tool.response_format == "content_and_artifact"


class Runs(BaseCallbackHandler):
    """Record the run ids of tools and of the retrievers below them."""

    def __init__(self) -> None:
        self.tools: list[Any] = []
        self.parents_of_retrievers: list[Any] = []

    def on_tool_start(self, *_: Any, run_id: Any, **__: Any) -> None:
        self.tools.append(run_id)

    def on_retriever_start(self, *_: Any, parent_run_id: Any, **__: Any) -> None:
        self.parents_of_retrievers.append(parent_run_id)


async def test_the_retriever_is_traced_below_the_tool(toolkit: WikiToolkit) -> None:
    runs, tool = Runs(), named(toolkit)["wiki_search"]
    tool.invoke({"query": CAPITAL}, {"callbacks": [runs]})
    await tool.ainvoke({"query": CAPITAL}, {"callbacks": [runs]})
    assert len(runs.tools) == 2
    assert runs.parents_of_retrievers == runs.tools


class ScriptedModel(GenericFakeChatModel):
    """Chat model that calls tools by a script and ignores their results."""

    def bind_tools(self, *_: Any, **__: Any) -> Runnable[Any, AIMessage]:
        return self


def test_an_agent_numbers_by_conversation(toolkit: WikiToolkit) -> None:
    def searches() -> Iterator[AIMessage]:
        for title in ("Violin", "Sourdough", "Sourdough"):
            yield AIMessage("", tool_calls=[call("wiki_read", title=title)])
            yield AIMessage("Done.")

    agent = create_agent(
        ScriptedModel(messages=searches()), toolkit.get_tools(), checkpointer=InMemorySaver()
    )
    numbers = []
    for thread in ("one", "one", "two"):
        config: RunnableConfig = {"configurable": {"thread_id": thread}}
        messages = agent.invoke({"messages": [("user", "Go on.")]}, config)["messages"]
        numbers += entries(messages[-2].text)
    assert numbers == [1, 2, 1]


def test_a_bare_string_is_the_first_argument(toolkit: WikiToolkit) -> None:
    assert "wild yeast" in named(toolkit)["wiki_read"].invoke("Sourdough")


def test_the_numbers_of_old_conversations_are_forgotten() -> None:
    from langchain_wikirank._tools.library import Conversations

    conversations, document = Conversations(), Document("Tea is hot.", id="tea")
    first = conversations.book({"configurable": {"thread_id": "first"}})
    first.cite([document])
    assert conversations.book({"configurable": {"thread_id": "first"}}) is first
    others: Sequence[object] = [
        conversations.book({"configurable": {"thread_id": number}}) for number in range(1000)
    ]
    assert len(others) == 1000
    again = conversations.book({"configurable": {"thread_id": "first"}})
    assert again.number_of(document) is None

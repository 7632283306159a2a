"""The scripted agent with real tools, and the table's numbers by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from agent_evidence import Row, reached, summarise, table
from agent_questions import Gold, Question, Step
from agent_tools import (
    BY_DEFAULT,
    DENSE,
    OURS,
    OURS_UNFILTERED,
    BundledTokens,
    RankingOnce,
    tool_makers,
)
from langchain_core.tools import StructuredTool, ToolException, create_retriever_tool, tool
from scripted_agent import AgentRun, ScriptedChatModel, ask

from langchain_wikirank import WikiRetriever
from langchain_wikirank._tracing import recorded_searches
from wikirank.index import WikiIndex
from wikirank.types import Passage

TEXTS = {
    "Canberra": "Canberra was chosen as the capital of Australia in 1908.",
    "Frost": "Frost is frozen dew. It forms on clear nights.",
    "Violin": "A violin has four strings, usually tuned in perfect fifths.",
}
CITY = Step("Which city is the capital of Australia?", (Gold("Canberra", "chosen as the capital"),))
YEAR = Step("When was it chosen?", (Gold("Canberra", "in 1908"),))
STRINGS = Step("How many strings has a violin?", (Gold("Violin", "four strings"),))
QUESTION = Question("q", "Which city, when, and how many strings?", "sample", (CITY, YEAR, STRINGS))


@pytest.fixture(scope="module")
def index() -> WikiIndex:
    made = WikiIndex.create()
    made.add_passages(
        Passage(id=title, text=text, title=title, article=title) for title, text in TEXTS.items()
    )
    return made


@pytest.fixture(scope="module")
def tokens() -> BundledTokens:
    return BundledTokens()


def word_count(text: str) -> int:
    return len(text.split())


def test_the_agent_passes_over_what_it_has_read(index: WikiIndex) -> None:
    retriever = WikiRetriever(index=index, k=1)
    run = ask(QUESTION, create_retriever_tool(retriever, "search", "Searches."), word_count)
    assert run.texts == [TEXTS["Canberra"], TEXTS["Violin"]]  # the year was known by then
    assert run.recall == 1
    assert run.tokens == [10, 10]
    assert run.abstained == [False, False]


def test_prompt_tokens_are_all_that_was_sent() -> None:
    @tool
    def search(query: str) -> str:
        """Searches."""
        return f"nothing on {query}"

    question = Question("q", "one two three", "sample", (Step("four", ()),), unanswerable=True)
    run = ask(question, search, word_count)
    schema = ScriptedChatModel(question=question, count_tokens=word_count)
    schema.bind_tools([search])
    # Two turns: the question, then also the empty call and the tool's three words.
    assert run.prompt_tokens == 3 + (3 + 3) + 2 * schema._schema_tokens
    assert schema._schema_tokens > 0


@pytest.mark.parametrize(
    ("content", "artifact", "abstained"),
    [
        ("The wiki does not say.", {"abstained": True}, True),
        ("Frost is frozen dew.", {"abstained": False}, False),
        ("Frost is frozen dew.", None, False),
        ("", [], True),
    ],
)
def test_abstaining(content: str, artifact: Any, abstained: bool) -> None:
    def search(query: str) -> tuple[str, Any]:
        """Searches."""
        assert query
        return content, artifact

    made = StructuredTool.from_function(search, response_format="content_and_artifact")
    assert ask(QUESTION, made, word_count).abstained == [abstained] * 3


def test_an_error_of_a_tool_is_not_counted_as_an_answer() -> None:
    @tool
    def search(query: str) -> str:
        """Searches."""
        msg = f"the index is gone: {query}"
        raise ToolException(msg)

    with pytest.raises(ToolException, match="the index is gone"):
        ask(QUESTION, search, word_count)
    search.handle_tool_error = True  # as ours do: the model is told
    with pytest.raises(RuntimeError, match="the index is gone"):
        ask(QUESTION, search, word_count)


def test_a_cut_text_has_as_many_tokens_as_the_budget(tokens: BundledTokens) -> None:
    text = "Unbelievably, the canberran frost froze.\n\nIt thawed."
    assert tokens.cut(text, tokens.count(text)) == text
    for budget in range(1, tokens.count(text)):
        cut = tokens.cut(text, budget)
        assert text.startswith(cut)
        assert tokens.count(cut) == budget


def test_the_stock_tools_search_one_index_within_the_budget(
    index: WikiIndex, tokens: BundledTokens
) -> None:
    makers = tool_makers(index, tokens)
    by_default = makers[BY_DEFAULT[0]](0)
    ours = [makers.pop(name) for name in (*BY_DEFAULT, OURS, OURS_UNFILTERED)][1:]
    for make in makers.values():
        read = make(5).invoke({"query": CITY.query})
        assert read == tokens.cut(TEXTS["Canberra"], 5)
    everything = makers[DENSE](500).invoke({"query": STRINGS.query})
    assert everything.startswith(TEXTS["Violin"])
    assert everything == by_default.invoke({"query": STRINGS.query})
    assert set(everything.split("\n\n")) == set(TEXTS.values())
    for make in ours:
        read = make(200).invoke({"query": CITY.query})
        assert TEXTS["Canberra"] in read
        assert tokens.count(read) <= 200


def test_ranking_once_gives_what_ranking_gives(index: WikiIndex) -> None:
    once = RankingOnce(index=index, k=2)
    with recorded_searches() as searches:
        first, again = (once.invoke(STRINGS.query) for _ in range(2))
    assert first == again == WikiRetriever(index=index, k=2).invoke(STRINGS.query)
    assert [result is searches[0] for result in searches] == [True, True]
    assert len(once.invoke(STRINGS.query, k=1)) == 1


def run(texts: list[str], *, unanswerable: bool = False, abstained: bool = False) -> AgentRun:
    question = replace(QUESTION, unanswerable=unanswerable)
    return AgentRun(
        question=question,
        texts=texts,
        tokens=[10 * len(text.split()) for text in texts],
        abstained=[abstained] * len(texts),
        prompt_tokens=100 * len(texts),
    )


def test_a_row_by_hand() -> None:
    runs = [
        run(["chosen as the capital in 1908", "four strings"]),  # all three golds
        run(["in 1908", "frost", "dew"]),  # one of three
        run(["nothing"], unanswerable=True, abstained=True),
        run(["noise noise noise"], unanswerable=True),
    ]
    row = summarise("ours", 500, runs, [2 / 3, 1 / 3], 2)
    assert row.recall == pytest.approx((1 + 1 / 3) / 2)
    assert row.low == pytest.approx(1 / 3)
    assert row.high == 1
    assert row.complete == 0.5
    assert row.p == 1  # one difference: either sign of it is as far from 0
    assert row.tokens == pytest.approx(10 * (6 + 2 + 2 + 1 + 1) / 5)
    assert row.calls == 2.5
    assert row.prompt_tokens == 250
    assert row.milliseconds == 2
    assert (row.abstained, row.noise, row.wrongly_abstained) == (0.5, 20, 0)
    assert row.missed == {"q": ["Canberra: chosen as the capital", "Violin: four strings"]}
    cells = table([row]).splitlines()[-1]
    assert cells.startswith("| 500 | ours | 0.667 (0.333–1.000) | 1.000 | 0.50 | 24 | 2.50 | 250 |")
    assert cells.endswith("| 2 | 50%, 20 | 0% |")


def test_the_budget_that_is_enough() -> None:
    any_row = summarise("x", 1, [run(["in 1908"]), run(["dew"], unanswerable=True)], None, 1)

    def made(name: str, budget: int, recall: float) -> Row:
        return replace(any_row, tool=name, budget=budget, recall=recall)

    rows = [made(DENSE, 250, 0.4), made("ours", 250, 0.7)]
    rows += [made(DENSE, 500, 0.6), made("ours", 500, 0.8), made("none", 500, 0.5)]
    assert reached(rows) == [
        f"Budget at which {DENSE} reaches 0.600: 500",
        "Budget at which ours reaches 0.600: 250",
        "Budget at which none reaches 0.600: none of these",
    ]

"""`WikiContextMiddleware` in real agents, with LangChain's scripted chat models."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from city_texts import CAPITAL
from conversation import Conversation, Counting, call_rainfall, last_human, text_of
from evidence_structure import entries, outside
from hostile_passages import HOSTILE_PASSAGES
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from scripted import Prompts, scripted

from langchain_wikirank import WikiContextMiddleware, WikiRetriever, WikiToolkit
from wikirank.errors import InvalidArgumentError

WINTER = "How cold are winters in Canberra?"
UNANSWERED = "How does a diesel engine ignite its fuel?"
NOT_ANSWERED = "has no passage that answers it"


@pytest.mark.parametrize("is_async", [False, True])
async def test_fetches_once_in_a_tool_loop(city_retriever: WikiRetriever, is_async: bool) -> None:
    retriever = Counting(inner=city_retriever)
    script = [call_rainfall(1), call_rainfall(2), AIMessage("Canberra [1].")]
    talk = Conversation(retriever, *script)
    result = await talk.asay(CAPITAL) if is_async else talk.say(CAPITAL)
    assert retriever.asked == [CAPITAL]
    assert len(talk.prompts.calls) == 3
    texts = [talk.read(call) for call in range(3)]
    assert texts[0] == texts[1] == texts[2]
    assert entries(texts[0])[1] == text_of(city_retriever, CAPITAL)
    assert texts[0].endswith(f"Message of the user:\n{CAPITAL}")
    assert result["messages"][0].text == CAPITAL
    assert len(result["messages"]) == 6
    assert [message.type for message in talk.prompts.calls[0]] == ["system", "human"]
    assert talk.prompts.calls[0][0].text == "Be brief."


def test_the_passages_are_in_the_result_as_plain_json(city_retriever: WikiRetriever) -> None:
    result = Conversation(city_retriever, "Canberra [1].").say(CAPITAL)
    assert "wiki_context" not in result
    records = json.loads(json.dumps(result["wiki_documents"]))
    first = Document(**records[0])
    assert (first.id, first.metadata["citation"]) == ("city-0", 1)
    assert first.metadata["relevance_score"] > 0.1


async def test_each_turn_is_searched_for_and_keeps_its_numbers(
    city_retriever: WikiRetriever,
) -> None:
    retriever = Counting(inner=city_retriever)
    talk = Conversation(retriever, "One.", "Two.", "Three.")
    talk.say(CAPITAL)
    await talk.asay(WINTER)
    talk.say(CAPITAL)
    assert retriever.asked == [CAPITAL, WINTER, CAPITAL]
    first, second, third = (entries(talk.read(call)) for call in range(3))
    capital, winter = (text_of(city_retriever, question) for question in (CAPITAL, WINTER))
    assert first[1] == capital
    assert second[next(n for n, text in second.items() if winter in text)] != capital
    assert third == first
    assert all("<passage" not in m.text for m in talk.prompts.calls[2][:-1])


def test_what_was_cited_is_carried_on_once(city_retriever: WikiRetriever) -> None:
    talk = Conversation(city_retriever, "Canberra [1].", "Cold.", "Cold.", min_score=0.5)
    talk.say(CAPITAL)
    capital = text_of(city_retriever, CAPITAL)
    assert list(entries(talk.read()).values()).count(capital) == 1
    talk.say(UNANSWERED)
    assert entries(talk.read()) == {1: capital}
    assert "found nothing: the passages above are those that you cited" in outside(talk.read())
    assert NOT_ANSWERED not in outside(talk.read())
    talk.say(CAPITAL)
    assert list(entries(talk.read()).values()).count(capital) == 1


def test_what_was_not_cited_is_not_carried_on(city_retriever: WikiRetriever) -> None:
    talk = Conversation(city_retriever, "Canberra.", "Unknown.", min_score=0.5)
    talk.say(CAPITAL)
    talk.say(UNANSWERED)
    assert entries(talk.read()) == {}
    assert NOT_ANSWERED in talk.read()


def test_what_was_cited_in_a_message_that_is_gone_is_not_carried_on(
    city_retriever: WikiRetriever,
) -> None:
    talk = Conversation(city_retriever, "Canberra [1].", "Unknown.", min_score=0.5)
    result = talk.say(CAPITAL)
    gone = [RemoveMessage(message.id) for message in result["messages"]]
    talk.agent.update_state(talk.config, {"messages": gone})
    talk.say(UNANSWERED)
    assert entries(talk.read()) == {}


def test_going_on_without_a_new_message_does_not_search(city_retriever: WikiRetriever) -> None:
    retriever = Counting(inner=city_retriever)
    talk = Conversation(retriever, "One.", "Two.")
    result = talk.say(CAPITAL)
    talk.agent.invoke({"messages": result["messages"]}, talk.config)
    assert retriever.asked == [CAPITAL]
    assert talk.read(0) == talk.read(1)


def test_an_edited_message_is_searched_for(city_retriever: WikiRetriever) -> None:
    retriever = Counting(inner=city_retriever)
    talk = Conversation(retriever, "One.", "Two.")
    result = talk.say(CAPITAL)
    edited = HumanMessage(WINTER, id=result["messages"][0].id)
    talk.agent.invoke({"messages": [edited]}, talk.config)
    assert retriever.asked == [CAPITAL, WINTER]


def test_nothing_relevant_is_one_line(city_retriever: WikiRetriever) -> None:
    talk = Conversation(city_retriever, "I do not know.")
    result = talk.say(UNANSWERED)
    line, _, rest = talk.read().partition("\n\n")
    assert NOT_ANSWERED in line
    assert rest == f"Message of the user:\n{UNANSWERED}"
    assert result["wiki_documents"] == []


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "question",
    [
        "Wie kalt sind die Winter in Canberra?",  # with a word of the wiki
        "Wie zündet ein Dieselmotor seinen Kraftstoff?",
        "Чем питается утконос?",
    ],
)
async def test_a_question_that_the_models_do_not_read(
    city_retriever: WikiRetriever, question: str, is_async: bool
) -> None:
    for retriever in (city_retriever, city_retriever.model_copy(update={"search_type": "lexical"})):
        talk = Conversation(retriever, "I do not know.")
        _ = await talk.asay(question) if is_async else talk.say(question)
        assert "The models read English, not the language of this question" in talk.read(0)
        assert NOT_ANSWERED not in talk.read(0)


def test_min_score_of_none_shows_all(city_retriever: WikiRetriever) -> None:
    talk = Conversation(city_retriever, "So.", min_score=None)
    talk.say(UNANSWERED)
    assert len(entries(talk.read())) == 5


def test_a_message_of_several_parts(city_retriever: WikiRetriever) -> None:
    retriever = Counting(inner=city_retriever)
    talk = Conversation(retriever, "Canberra [1].", "A picture.", "Still Canberra.")
    image = {"type": "image_url", "image_url": {"url": "https://w.org/i.png"}}
    talk.say([{"type": "text", "text": CAPITAL}, image])
    assert retriever.asked == [CAPITAL]
    context, *rest = last_human(talk.prompts.calls[0]).content
    assert isinstance(context, dict)
    assert entries(context["text"])
    assert rest == [{"type": "text", "text": CAPITAL}, image]
    talk.say([image])
    assert retriever.asked == [CAPITAL]
    assert last_human(talk.prompts.calls[1]).content == [image]
    talk.say(UNANSWERED)
    assert 1 in entries(talk.read())


@pytest.mark.parametrize("budget", [75, 100, 200])
def test_the_budget_is_kept(city_retriever: WikiRetriever, budget: int) -> None:
    def count(text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text))

    settings: dict[str, Any] = {"token_budget": budget, "count_tokens": count, "min_score": None}
    talk = Conversation(city_retriever, "[1][2]", "[1][2]", **settings)
    for question in (CAPITAL, WINTER):
        talk.say(question)
        added = talk.read().removesuffix(f"\n\nMessage of the user:\n{question}")
        assert count(added) <= budget
        assert entries(added)
        assert "wiki_read" not in added


async def test_hostile_passages_change_no_structure() -> None:
    retriever = Counting(documents=HOSTILE_PASSAGES)
    talk = Conversation(retriever, "Rain [1].", "Rain.", token_budget=9000)
    result = talk.say("What is rain?")
    shown = entries(talk.read())
    assert len(shown) == len(HOSTILE_PASSAGES)
    assert [record["metadata"]["citation"] for record in result["wiki_documents"]] == list(shown)
    assert outside(talk.read()).strip().endswith("Message of the user:\nWhat is rain?")
    await talk.asay("And snow?")
    assert entries(talk.read()) == shown


def test_metadata_of_any_kind_stays_in_a_state_of_plain_json() -> None:
    odd = Document("Frost is frozen dew.", metadata={"title": "Frost", "when": {1, 2}, "of": str})
    talk = Conversation(Counting(documents=[odd]), "Dew [1].", "Dew.")
    result = talk.say("What is frost?")
    assert json.loads(json.dumps(result["wiki_documents"])) == result["wiki_documents"]
    state = talk.agent.get_state(talk.config).values
    kept = state["wiki_context"]
    assert json.loads(json.dumps(kept)) == kept
    assert odd.metadata["when"] == {1, 2}
    talk.say("And again?")
    assert entries(talk.read()) == {1: "Frost is frozen dew."}


def test_threads_are_apart(city_retriever: WikiRetriever) -> None:
    talk = Conversation(city_retriever, "Cold [1].", "Canberra [1].")
    talk.say(WINTER)
    talk.config["configurable"]["thread_id"] = "2"
    result = talk.say(CAPITAL)
    assert result["wiki_documents"][0]["metadata"]["citation"] == 1
    assert result["wiki_documents"][0]["id"] == "city-0"


def test_without_checkpointer(city_retriever: WikiRetriever) -> None:
    prompts = Prompts()
    agent = create_agent(scripted("One."), middleware=[WikiContextMiddleware(city_retriever)])
    agent.invoke({"messages": [("user", CAPITAL)]}, {"callbacks": [prompts]})
    assert 1 in entries(prompts.calls[0][-1].text)


def search_call(number: int) -> AIMessage:
    call = {"name": "wiki_search", "args": {"query": CAPITAL, "k": 1}, "id": str(number)}
    return AIMessage("", tool_calls=[call])


async def test_tools_and_context_share_their_numbers(city_retriever: WikiRetriever) -> None:
    toolkit = WikiToolkit(retriever=city_retriever)
    script = [search_call(1), AIMessage("Canberra [2]."), AIMessage("As I said.")]
    talk = Conversation(city_retriever, *script, toolkit=toolkit, min_score=0.5)
    talk.say(WINTER)
    winter = text_of(city_retriever, WINTER)
    numbers = {text: number for number, text in entries(talk.read()).items()}
    told = entries(talk.prompts.calls[-1][-1].text)
    capital = text_of(city_retriever, CAPITAL)
    assert winter in numbers
    ((number, text),) = told.items()
    assert text == capital
    assert numbers.get(capital, number) == number
    assert number != numbers[winter]
    await talk.asay(CAPITAL)
    assert capital not in talk.read()
    assert f"shown above already: [{number}]." in talk.read()


async def test_an_error_of_the_retriever_ends_the_run(city_retriever: WikiRetriever) -> None:
    broken = WikiRetriever(index=city_retriever.index, filter={"titel": "x"})
    talk = Conversation(broken, "Never said.")
    with pytest.raises(InvalidArgumentError, match="title"):
        talk.say(CAPITAL)
    with pytest.raises(InvalidArgumentError, match="title"):
        await talk.asay(CAPITAL)
    assert talk.prompts.calls == []


async def test_the_search_is_traced_within_the_agent(city_retriever: WikiRetriever) -> None:
    agent = create_agent(
        scripted("One.", "Two."), middleware=[WikiContextMiddleware(city_retriever)]
    )
    given: Any = {"messages": [("user", CAPITAL)]}
    collected = RunCollectorCallbackHandler()
    agent.invoke(given, {"callbacks": [collected]})
    await agent.ainvoke(given, {"callbacks": [collected]})
    assert len(collected.traced_runs) == 2
    for run in collected.traced_runs:
        runs, names = [run], []
        while runs:
            child = runs.pop()
            names.append(child.name)
            runs.extend(child.child_runs)
        assert {"WikiRetriever", "wikirank.retrieve", "wikirank.rerank"} <= set(names)


def test_bad_settings(city_retriever: WikiRetriever) -> None:
    with pytest.raises(InvalidArgumentError, match="min_score"):
        WikiContextMiddleware(city_retriever, min_score=1.5)
    with pytest.raises(InvalidArgumentError, match="tokenizer"):
        WikiContextMiddleware(city_retriever, count_tokens=3)
    with pytest.raises(InvalidArgumentError, match="budget"):
        Conversation(city_retriever, "Never said.", token_budget=5).say(CAPITAL)


def test_without_langchain_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['langchain'] = None\n"
        "import langchain_wikirank\n"
        "from wikirank.errors import MissingExtraError\n"
        "langchain_wikirank.WikiRetriever, langchain_wikirank.create_wiki_qa_chain\n"
        "try:\n    langchain_wikirank.WikiContextMiddleware\n"
        "except MissingExtraError as err:\n    print(err)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "langchain-wikirank[agents]"' in run.stdout

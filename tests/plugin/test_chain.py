"""The question-answering chain with LangChain's scripted chat models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import pytest
from city_texts import CAPITAL
from evidence_structure import entries
from hostile_passages import HOSTILE_PASSAGES
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.tracers.context import collect_runs
from scripted import Prompts, scripted

from langchain_wikirank import WikiAnswer, WikiRetriever, create_wiki_qa_chain
from wikirank.errors import InvalidArgumentError

REPLY = "The capital is Canberra [1]."
NO_ANSWER = "The wiki does not answer this question."
UNANSWERED = "How does a diesel engine ignite its fuel?"


class FixedRetriever(BaseRetriever):
    """Any other retriever: documents without scores, the same for each question."""

    documents: list[Document]

    def _get_relevant_documents(
        self,
        query: str,  # noqa: ARG002
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002
    ) -> list[Document]:
        return self.documents


async def test_answer_with_its_citation(city_retriever: WikiRetriever) -> None:
    chain = create_wiki_qa_chain(scripted(*[REPLY] * 4), city_retriever)
    found = chain.invoke(CAPITAL)
    best = city_retriever.invoke(CAPITAL)[0]
    assert isinstance(found, WikiAnswer)
    assert (found.question, found.answer, found.abstained) == (CAPITAL, REPLY, False)
    assert found.invented_citations == []
    (citation,) = found.citations
    assert (citation.number, citation.document_id) == (1, "city-0")
    assert (citation.title, citation.section) == ("Canberra", "History")
    assert (citation.url, citation.text) == ("https://w.org/Canberra", best.page_content)
    assert citation.score == best.metadata["relevance_score"]
    assert found.documents[0].metadata["citation"] == 1
    assert await chain.ainvoke(CAPITAL) == found
    assert chain.batch([CAPITAL]) == [found]
    assert await chain.abatch([CAPITAL]) == [found]


def test_the_answer_is_plain_json(city_retriever: WikiRetriever) -> None:
    found = create_wiki_qa_chain(scripted(REPLY), city_retriever).invoke(CAPITAL)
    assert WikiAnswer.model_validate_json(found.model_dump_json()) == found


def test_what_the_model_reads(city_retriever: WikiRetriever) -> None:
    prompts = Prompts()
    chain = create_wiki_qa_chain(scripted(REPLY), city_retriever, min_score=None)
    found = chain.invoke(CAPITAL, {"callbacks": [prompts]})
    ((system, human),) = prompts.calls
    assert NO_ANSWER in system.text
    assert human.text.endswith(f"\n\nQuestion: {CAPITAL}")
    texts = {document.metadata["citation"]: document.page_content for document in found.documents}
    assert entries(human.text) == texts
    assert len(texts) == 5


def test_the_budget_is_kept(city_retriever: WikiRetriever) -> None:
    def count(text: str) -> int:
        return len(text.split())

    prompts = Prompts()
    chain = create_wiki_qa_chain(
        scripted(REPLY), city_retriever, token_budget=60, min_score=None, count_tokens=count
    )
    found = chain.invoke(CAPITAL, {"callbacks": [prompts]})
    context = prompts.calls[0][1].text.removesuffix(f"\n\nQuestion: {CAPITAL}")
    assert count(context) <= 60
    assert 0 < len(found.documents) < 5
    assert "wiki_read" not in context


def test_settings_of_one_search(city_retriever: WikiRetriever) -> None:
    chain = create_wiki_qa_chain(scripted(REPLY), city_retriever, min_score=None)
    assert len(chain.invoke(CAPITAL, k=2).documents) == 2


@pytest.mark.parametrize("retriever", ["nothing", "irrelevant"])
async def test_abstains_without_asking(city_retriever: WikiRetriever, retriever: str) -> None:
    """The scripted model has no replies, so calling it would be an error."""
    wiki = city_retriever if retriever == "irrelevant" else WikiRetriever.from_documents([])
    chain = create_wiki_qa_chain(scripted(), wiki)
    found = chain.invoke(UNANSWERED)
    assert found == WikiAnswer(question=UNANSWERED, answer=NO_ANSWER, abstained=True)
    assert await chain.ainvoke(UNANSWERED) == found
    assert list(chain.stream(UNANSWERED)) == [found]
    assert [piece async for piece in chain.astream(UNANSWERED)] == [found]


def test_min_score_is_inclusive(city_retriever: WikiRetriever) -> None:
    scores = [d.metadata["relevance_score"] for d in city_retriever.invoke(CAPITAL)]
    chain = create_wiki_qa_chain(scripted(REPLY), city_retriever, min_score=scores[0])
    assert [d.id for d in chain.invoke(CAPITAL).documents] == ["city-0"]


@pytest.mark.parametrize("reply", [NO_ANSWER, f"\n{NO_ANSWER}  "])
def test_the_model_says_that_the_passages_do_not_answer(
    city_retriever: WikiRetriever, reply: str
) -> None:
    found = create_wiki_qa_chain(scripted(reply), city_retriever).invoke(CAPITAL)
    assert (found.answer, found.abstained, found.citations) == (NO_ANSWER, True, [])
    assert found.documents


@pytest.mark.parametrize("reply", [f"{NO_ANSWER} But Canberra is [1].", "I do not know.", ""])
def test_other_replies_are_answers(city_retriever: WikiRetriever, reply: str) -> None:
    found = create_wiki_qa_chain(scripted(reply), city_retriever).invoke(CAPITAL)
    assert (found.answer, found.abstained) == (reply, False)


async def test_the_sentence_may_be_in_another_language(city_retriever: WikiRetriever) -> None:
    sentence = "Das Wiki beantwortet das nicht."
    chain = create_wiki_qa_chain(scripted(sentence), city_retriever, no_answer=sentence)
    assert chain.invoke(UNANSWERED).answer == sentence
    prompts = Prompts()
    pieces = chain.stream(CAPITAL, {"callbacks": [prompts]})
    assert reduce(add, pieces).abstained
    assert sentence in prompts.calls[0][0].text


async def test_invented_citations_are_dropped_and_reported(city_retriever: WikiRetriever) -> None:
    reply = "Canberra [1, 9] was chosen [7] in 1908 [1][8]."
    chain = create_wiki_qa_chain(scripted(reply, reply), city_retriever)
    found = chain.invoke(CAPITAL)
    assert found.answer == "Canberra [1] was chosen in 1908 [1]."
    assert found.invented_citations == [9, 7, 8]
    assert [citation.number for citation in found.citations] == [1]
    pieces = [piece async for piece in chain.astream(CAPITAL)]
    assert reduce(add, pieces) == found
    assert not any(re.search(r"[789]\]", piece.answer) for piece in pieces)


async def test_streaming(city_retriever: WikiRetriever) -> None:
    chain = create_wiki_qa_chain(scripted(*[REPLY] * 3), city_retriever)
    whole = chain.invoke(CAPITAL)
    first, *middle, last = pieces = list(chain.stream(CAPITAL))
    assert first == WikiAnswer(question=CAPITAL, documents=whole.documents)
    assert len(middle) > 3
    assert all(piece == WikiAnswer(answer=piece.answer) for piece in middle)
    assert last.citations == whole.citations
    assert last.answer == ""
    assert reduce(add, pieces) == whole
    assert [piece async for piece in chain.astream(CAPITAL)] == pieces


async def test_a_follow_up_question_is_rewritten(city_retriever: WikiRetriever) -> None:
    prompts = Prompts()
    history = [
        SystemMessage("Be brief."),
        ("human", "Tell me of Canberra."),
        AIMessage("It is a city [1].", tool_calls=[{"name": "x", "args": {}, "id": "1"}]),
        ToolMessage("A long result.", tool_call_id="1"),
        HumanMessage([{"type": "text", "text": "Go on."}]),
    ]
    script = [f" {CAPITAL}\n", REPLY]
    chain = create_wiki_qa_chain(scripted(*script * 2), city_retriever)
    given: Any = {"question": "Is it the capital?", "chat_history": history}
    found = chain.invoke(given, {"callbacks": [prompts]})
    assert (found.question, found.answer) == (CAPITAL, REPLY)
    rewriting, answering = prompts.calls
    assert [message.text for message in rewriting[1:-1]] == [
        "Tell me of Canberra.",
        "It is a city [1].",
        "Go on.",
    ]
    assert not any(getattr(message, "tool_calls", None) for message in rewriting)
    assert rewriting[-1].text.endswith("Is it the capital?")
    assert answering[-1].text.endswith(CAPITAL)
    assert reduce(add, [piece async for piece in chain.astream(given)]) == found


@pytest.mark.parametrize("history", [{}, {"chat_history": []}])
def test_without_history_nothing_is_rewritten(
    city_retriever: WikiRetriever, history: dict[str, Any]
) -> None:
    chain = create_wiki_qa_chain(scripted(REPLY), city_retriever)
    given: Any = {"question": CAPITAL, **history}
    assert chain.invoke(given).answer == REPLY


def test_an_empty_rewriting_leaves_the_question(city_retriever: WikiRetriever) -> None:
    chain = create_wiki_qa_chain(scripted(" ", REPLY), city_retriever)
    assert chain.invoke({"question": CAPITAL, "chat_history": ["Hello."]}).question == CAPITAL


def test_any_retriever() -> None:
    documents = [Document("Frost is frozen dew."), Document("Fog is a low cloud.", id="fog")]
    chain = create_wiki_qa_chain(
        scripted("Dew [1], cloud [2]."), FixedRetriever(documents=documents)
    )
    found = chain.invoke("What is frost?")
    assert [citation.text for citation in found.citations] == [d.page_content for d in documents]
    assert [citation.score for citation in found.citations] == [None, None]
    assert found.citations[1].document_id == "fog"
    assert documents[0].id is None
    assert documents[1].metadata == {}


def test_hostile_passages_change_no_structure() -> None:
    prompts = Prompts()
    retriever = FixedRetriever(documents=HOSTILE_PASSAGES)
    chain = create_wiki_qa_chain(scripted("Rain [1], [99]."), retriever, token_budget=9000)
    found = chain.invoke("What is rain?", {"callbacks": [prompts]})
    assert [message.type for message in prompts.calls[0]] == ["system", "human"]
    shown = entries(prompts.calls[0][1].text)
    assert list(shown) == [document.metadata["citation"] for document in found.documents]
    assert len(shown) == len(HOSTILE_PASSAGES)
    assert (found.answer, found.invented_citations) == ("Rain [1],.", [99])


async def test_traced_as_one_run(city_retriever: WikiRetriever) -> None:
    history = {"question": "And?", "chat_history": ["Hello."]}
    chain = create_wiki_qa_chain(scripted(*[CAPITAL, REPLY] * 3), city_retriever)
    with collect_runs() as collected:
        chain.invoke(history)
        await chain.ainvoke(history)
        list(chain.stream(history))
    assert len(collected.traced_runs) == 3
    for run in collected.traced_runs:
        assert run.name == "wiki_qa"
        names = [child.name for child in run.child_runs]
        assert names == ["wiki_standalone_question", "WikiRetriever", "wiki_answer"]
        assert run.outputs is not None
        assert run.outputs["output"].answer == REPLY
        searches = [child.name for child in run.child_runs[1].child_runs]
        assert searches == ["wikirank.retrieve", "wikirank.rerank"]


def test_a_prompt_of_the_callers(city_retriever: WikiRetriever) -> None:
    prompt = PromptTemplate.from_template("Passages:\n{context}\n\nQ: {question}\nA:")
    prompts = Prompts()
    chain = create_wiki_qa_chain(scripted(REPLY), city_retriever, prompt=prompt)
    assert chain.invoke(CAPITAL, {"callbacks": [prompts]}).answer == REPLY
    assert prompts.calls[0][0].text.endswith(f"Q: {CAPITAL}\nA:")


@pytest.mark.parametrize("template", ["{question}", "{context} {question} {colour}", "none"])
def test_a_prompt_that_does_not_fit(city_retriever: WikiRetriever, template: str) -> None:
    with pytest.raises(InvalidArgumentError, match="context and question"):
        create_wiki_qa_chain(
            scripted(), city_retriever, prompt=PromptTemplate.from_template(template)
        )


BAD_INPUT: Sequence[Any] = [
    "",
    "  ",
    3,
    {},
    {"query": CAPITAL},
    {"question": CAPITAL, "chat_history": "Hello."},
    {"question": CAPITAL, "chat_history": [object()]},
]


@pytest.mark.parametrize("given", BAD_INPUT)
async def test_bad_input(city_retriever: WikiRetriever, given: Any) -> None:
    chain = create_wiki_qa_chain(scripted(), city_retriever)
    with pytest.raises(InvalidArgumentError, match="Expected"):
        chain.invoke(given)
    with pytest.raises(InvalidArgumentError, match="Expected"):
        await chain.ainvoke(given)
    with pytest.raises(InvalidArgumentError, match="Expected"):
        list(chain.stream(given))


def test_bad_settings(city_retriever: WikiRetriever) -> None:
    with pytest.raises(InvalidArgumentError, match="min_score"):
        create_wiki_qa_chain(scripted(), city_retriever, min_score=2)
    with pytest.raises(InvalidArgumentError, match="min_top_score"):
        create_wiki_qa_chain(scripted(), city_retriever, min_top_score=-1)
    with pytest.raises(InvalidArgumentError, match="budget"):
        create_wiki_qa_chain(scripted(), city_retriever, token_budget=3).invoke(CAPITAL)
    with pytest.raises(InvalidArgumentError, match="tokenizer"):
        create_wiki_qa_chain(scripted(), city_retriever, count_tokens=3)

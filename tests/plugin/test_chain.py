"""The RAG chain's wiring, with LangChain's fake chat models in place of a real one."""

from __future__ import annotations

from typing import Any

import pytest
from city_texts import CAPITAL
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.prompts import PromptTemplate

from langchain_wikirank import WikiRetriever, create_wiki_rag_chain

ANSWER = "The capital is Canberra [1]."


class Prompts(BaseCallbackHandler):
    """Keeps the messages that the chat model was given."""

    def __init__(self) -> None:
        self.messages: list[list[BaseMessage]] = []

    def on_chat_model_start(self, _: Any, messages: list[list[BaseMessage]], **__: Any) -> None:
        self.messages.extend(messages)


@pytest.fixture
def llm() -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage(ANSWER)] * 4))


async def test_answer_and_documents(
    llm: GenericFakeChatModel, city_retriever: WikiRetriever
) -> None:
    chain = create_wiki_rag_chain(llm, city_retriever)
    found = chain.invoke(CAPITAL)
    assert found == {"documents": city_retriever.invoke(CAPITAL), "answer": ANSWER}
    assert await chain.ainvoke(CAPITAL) == found
    assert chain.batch([CAPITAL]) == [found]


def test_the_model_is_given_the_numbered_passages(
    llm: GenericFakeChatModel, city_retriever: WikiRetriever
) -> None:
    prompts = Prompts()
    create_wiki_rag_chain(llm, city_retriever).invoke(CAPITAL, {"callbacks": [prompts]})
    ((system, human),) = prompts.messages
    assert "[1] Canberra › History\nCanberra was chosen as the capital" in system.text
    assert "[5]" in system.text
    assert human.text == CAPITAL


async def test_streaming_gives_the_documents_then_the_answer(
    llm: GenericFakeChatModel, city_retriever: WikiRetriever
) -> None:
    chain = create_wiki_rag_chain(llm, city_retriever)
    pieces = list(chain.stream(CAPITAL))
    assert list(pieces[0]) == ["documents"]
    assert len(pieces) > 3
    assert "".join(piece.get("answer", "") for piece in pieces) == ANSWER
    assert [piece async for piece in chain.astream(CAPITAL)] == pieces


def test_a_prompt_of_the_callers(llm: GenericFakeChatModel, city_retriever: WikiRetriever) -> None:
    prompt = PromptTemplate.from_template("Passages:\n{context}\n\nQ: {question}\nA:")
    prompts = Prompts()
    chain = create_wiki_rag_chain(llm, city_retriever, prompt)
    assert chain.invoke(CAPITAL, {"callbacks": [prompts]})["answer"] == ANSWER
    assert prompts.messages[0][0].text.endswith(f"Q: {CAPITAL}\nA:")


def test_nothing_found(llm: GenericFakeChatModel) -> None:
    prompts = Prompts()
    chain = create_wiki_rag_chain(llm, WikiRetriever.from_documents([]))
    assert chain.invoke(CAPITAL, {"callbacks": [prompts]})["documents"] == []
    assert "no passage" in prompts.messages[0][0].text

"""Number of passages shown: by default the budget decides, otherwise `k`."""

from __future__ import annotations

from typing import Any

import pytest
from conversation import Conversation
from evidence_structure import entries
from scripted import scripted

from langchain_wikirank import WikiRetriever, WikiToolkit, create_wiki_qa_chain

QUESTION = "How tall is the tower?"
TOWERS = ["Arad", "Brno", "Cork", "Delft", "Evora", "Ferrara", "Ghent", "Hull"]
TOWERS += ["Imola", "Jena", "Kiel", "Lund"]
SHOW_ALL: dict[str, Any] = {"min_score": None}


@pytest.fixture(scope="module")
def retriever() -> WikiRetriever:
    texts = [
        f"The tower of {name} is {40 + 3 * index} m tall." for index, name in enumerate(TOWERS)
    ]
    return WikiRetriever.from_texts(texts, metadatas=[{"title": name} for name in TOWERS])


def shown_by_each(retriever: WikiRetriever, **settings: Any) -> list[int]:
    """Return how many passages the tool, the chain and the middleware show."""
    settings = SHOW_ALL | settings
    toolkit = WikiToolkit(retriever=retriever, **settings)
    told = toolkit.get_tools()[0].invoke({"query": QUESTION})
    chain = create_wiki_qa_chain(scripted("It is 40 m [1]."), retriever, **settings)
    talk = Conversation(retriever, "It is 40 m [1].", **settings)
    talk.say(QUESTION)
    return [len(entries(told)), len(chain.invoke(QUESTION).documents), len(entries(talk.read()))]


def test_the_budget_decides(retriever: WikiRetriever) -> None:
    assert retriever.k < len(TOWERS)
    assert shown_by_each(retriever) == [len(TOWERS)] * 3
    small = shown_by_each(retriever, token_budget=200)
    assert all(0 < shown < len(TOWERS) for shown in small)


def test_a_number_that_is_set_holds(retriever: WikiRetriever) -> None:
    three = WikiRetriever(index=retriever.index, k=3)
    assert shown_by_each(three) == [3] * 3
    tool = WikiToolkit(retriever=three, **SHOW_ALL).get_tools()[0]
    assert len(entries(tool.invoke({"query": QUESTION, "k": 4}))) == 4
    chain = create_wiki_qa_chain(scripted("So [1]."), retriever, **SHOW_ALL)
    assert len(chain.invoke(QUESTION, k=2).documents) == 2


def test_only_what_is_reranked_is_taken(retriever: WikiRetriever) -> None:
    six = WikiRetriever(index=retriever.index, fetch_k=6)
    assert shown_by_each(six) == [6] * 3
    chain = create_wiki_qa_chain(scripted("So [1]."), retriever, **SHOW_ALL)
    assert len(chain.invoke(QUESTION, fetch_k=7).documents) == 7


def test_the_best_passage_decides_whether_the_wiki_answers(retriever: WikiRetriever) -> None:
    documents = retriever.invoke(QUESTION, k=len(TOWERS))
    scores = [document.metadata["relevance_score"] for document in documents]
    assert scores[0] > scores[3] > scores[-1]
    assert shown_by_each(retriever, min_score=scores[-1], min_top_score=scores[0]) == [12] * 3
    assert shown_by_each(retriever, min_score=scores[3], min_top_score=scores[0]) == [4] * 3
    above = scores[0] + 1e-9
    assert shown_by_each(retriever, min_score=0, min_top_score=above) == [0] * 3
    assert shown_by_each(retriever, min_score=None, min_top_score=above) == [12] * 3
    strict = WikiToolkit(retriever=retriever, min_top_score=above).get_tools()[0]
    assert len(entries(strict.invoke({"query": QUESTION, "min_score": scores[3]}))) == 4


def test_passages_that_nothing_scored_are_relevant(retriever: WikiRetriever) -> None:
    plain = WikiRetriever(index=retriever.index, rerank=False)
    assert shown_by_each(plain, min_score=0.9, min_top_score=0.9) == [len(TOWERS)] * 3

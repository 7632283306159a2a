"""`WikiRetriever` constructors in the style of LangChain's vector stores, with any embeddings."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from city_texts import CAPITAL, city_documents
from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from own_embeddings import LetterEmbeddings, TorchEmbeddings

from langchain_wikirank import WikiEmbeddings, WikiReranker, WikiRetriever, WikiToolkit
from langchain_wikirank._documents import scored_text
from wikirank.errors import IndexMismatchError, InvalidArgumentError
from wikirank.rank import load_cross_encoder, rank_texts

TEXTS = [document.page_content for document in city_documents()]


@pytest.fixture(params=["letters", "torch", "bundled"])
def embedding(request: pytest.FixtureRequest) -> Any:
    if request.param == "torch":
        return TorchEmbeddings(request.getfixturevalue("minilm"))
    return LetterEmbeddings() if request.param == "letters" else WikiEmbeddings()


def test_anyones_embeddings_in_langchains_shape(embedding: Any, tmp_path: Path) -> None:
    metadatas = [{"n": number} for number in range(len(TEXTS))]
    made = WikiRetriever.from_texts(TEXTS, embedding, metadatas, path=tmp_path / "i", k=2)
    found = made.invoke(CAPITAL)
    assert (found[0].page_content, found[0].metadata["n"]) == (TEXTS[0], 0)
    made.index.close()
    again = WikiRetriever.from_index(tmp_path / "i", embedding, k=2)
    assert again.invoke(CAPITAL) == found
    dense = again.invoke(TEXTS[2], search_type="dense", rerank=False)[0]
    assert dense.page_content == TEXTS[2]
    assert dense.metadata["dense_score"] == pytest.approx(1, abs=1e-3)


def test_with_custom_embeddings_the_reranker_scores_texts_with_the_bundled_ones() -> None:
    retriever = WikiRetriever.from_documents(city_documents(), LetterEmbeddings(), k=5)
    found = retriever.invoke(CAPITAL)
    texts = [scored_text(document, prepend_heading=True) for document in found]
    ranked = rank_texts(load_cross_encoder(), CAPITAL, texts)
    assert ranked.order == list(range(5))
    scores = [document.metadata["relevance_score"] for document in found]
    assert scores == pytest.approx(ranked.relevance_scores, abs=1e-6)


def test_an_index_opens_with_its_own_embeddings_only(tmp_path: Path) -> None:
    WikiRetriever.from_documents(city_documents(), LetterEmbeddings(), path=tmp_path / "i")
    for wrong in (None, WikiEmbeddings()):
        with pytest.raises(IndexMismatchError, match="LetterEmbeddings:letters"):
            WikiRetriever.from_index(tmp_path / "i", embedding=wrong)
    with pytest.raises(IndexMismatchError):
        WikiRetriever.from_documents(city_documents(), path=tmp_path / "i")


def test_metadatas_in_the_place_of_embedding() -> None:
    with pytest.raises(InvalidArgumentError, match="Embeddings as embedding, got list"):
        WikiRetriever.from_texts(["Frost."], [{"title": "Frost"}])  # type: ignore[arg-type]


async def test_documents_are_added_and_deleted(tmp_path: Path) -> None:
    documents = city_documents()
    retriever = WikiRetriever.from_documents(documents[1:3], path=tmp_path / "i", k=9)
    assert retriever.add_documents(documents[:1]) == ["city-0"]
    assert retriever.invoke(CAPITAL)[0].id == "city-0"
    assert await retriever.aadd_documents(documents[3:], ids=["a", "b"]) == ["a", "b"]
    assert retriever.index.info().passages == 5
    assert retriever.delete(["city-0"])
    assert not retriever.delete(["city-0", "a"])
    assert await retriever.adelete(["b"])
    left = {document.id for document in retriever.invoke(CAPITAL)}
    assert left == {"city-1", "city-2"}
    retriever.index.close()
    assert {d.id for d in WikiRetriever.from_index(tmp_path / "i").invoke(CAPITAL)} == left


def test_the_same_documents_again_change_nothing_and_new_ones_follow() -> None:
    """Positions within an article continue, so that neighbours stay in reading order."""
    first, second, third = ("The kiln is lit.", "It is fired at noon.", "It cools for two days.")
    pages = [Document(text, metadata={"title": "Pottery"}) for text in (first, second, third)]
    retriever = WikiRetriever.from_documents(pages[:2], rerank=False, k=1)
    ids = retriever.add_documents(pages[:2])
    assert retriever.add_documents(pages)[:2] == ids
    assert retriever.index.info().passages == 3
    found = retriever.invoke("fired at noon", neighbours=1)[0]
    assert found.page_content == f"{first} {second} {third}"


def test_blank_documents_are_skipped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    documents = [
        Document("Frost is frozen dew."),
        Document(" \n", metadata={"title": "Empty"}),
        Document(""),
    ]
    with caplog.at_level(logging.WARNING, "langchain_wikirank"):
        retriever = WikiRetriever.from_documents(documents)
    assert "Skipped 2 of 3 documents" in caplog.text
    assert "position 1" in caplog.text
    assert [document.page_content for document in retriever.invoke("frost")] == [
        "Frost is frozen dew."
    ]
    assert WikiRetriever.from_texts(["", " "]).invoke("frost") == []


def test_metadata_with_our_names_is_kept() -> None:
    own = {"rank": "captain", "relevance_score": 0.0001, "dense_score": None, "rank_before": 3}
    retriever = WikiRetriever.from_texts(["Frost is frozen dew."], metadatas=[own])
    found = retriever.invoke("What is frost?")[0].metadata
    assert own.items() <= found.items()
    assert found["wikirank_rank"] == 1
    assert found["wikirank_relevance_score"] > 0.5
    (search, *_) = WikiToolkit(retriever=retriever, min_score=0.3).get_tools()
    assert "frozen dew" in search.invoke({"query": "What is frost?"})


@pytest.fixture
def on_disk(tmp_path: Path) -> WikiRetriever:
    return WikiRetriever.from_documents(city_documents(), path=tmp_path / "cities", k=2)


def test_copies_and_pickles(on_disk: WikiRetriever) -> None:
    expected = on_disk.invoke(CAPITAL)
    for twin in (
        copy.deepcopy(on_disk),
        copy.copy(on_disk),
        on_disk.model_copy(deep=True),
        pickle.loads(pickle.dumps(on_disk)),
        copy.deepcopy(WikiToolkit(retriever=on_disk)).retriever,
    ):
        assert twin.invoke(CAPITAL) == expected
    toolkit = pickle.loads(pickle.dumps(WikiToolkit(retriever=on_disk)))
    assert "Canberra" in toolkit.get_tools()[0].invoke({"query": CAPITAL})


def test_an_index_that_goes_with_the_process_is_not_pickled(city_retriever: WikiRetriever) -> None:
    with pytest.raises(InvalidArgumentError, match="temporary folder"):
        pickle.dumps(city_retriever)
    assert copy.deepcopy(city_retriever).invoke(CAPITAL, k=1)[0].id == "city-0"


def test_json(on_disk: WikiRetriever) -> None:
    dumped = json.loads(on_disk.model_dump_json())
    assert dumped["index"] == str(on_disk.index.path)
    assert dumped["k"] == 2
    assert WikiRetriever.model_validate(dumped).invoke(CAPITAL) == on_disk.invoke(CAPITAL)
    schema = WikiRetriever.model_json_schema()
    assert schema["properties"]["index"]["type"] == "string"
    assert "passages to return" in schema["properties"]["k"]["description"]
    assert WikiReranker.model_json_schema()["properties"]["top_n"]["default"] == 5
    toolkit = WikiToolkit(retriever=on_disk)
    assert json.loads(toolkit.model_dump_json())["retriever"]["k"] == 2
    assert "retriever" in WikiToolkit.model_json_schema()["properties"]


@pytest.mark.parametrize("wrong", [{"question": CAPITAL}, None, HumanMessage(CAPITAL), ["a"]])
async def test_a_query_that_is_not_a_string(city_retriever: WikiRetriever, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r'itemgetter\("question"\)'):
        city_retriever.invoke(wrong)
    with pytest.raises(InvalidArgumentError, match=r'itemgetter\("question"\)'):
        await city_retriever.ainvoke(wrong)
    chain = RunnableLambda(itemgetter("question")) | city_retriever
    assert chain.invoke({"question": CAPITAL})[0].id == "city-0"


def test_a_configured_retriever_in_the_toolkit(city_retriever: WikiRetriever) -> None:
    traced = RunCollectorCallbackHandler()
    configured = city_retriever.bind(k=1).with_config(tags=["wiki"], metadata={"team": 7})
    search = WikiToolkit(retriever=configured).get_tools()[0]
    text = search.invoke({"query": CAPITAL}, {"callbacks": [traced]})
    assert ("Canberra" in text, "Sydney" in text) == (True, False)
    run = traced.traced_runs[0].child_runs[0]
    assert "wiki" in run.tags
    assert run.extra["metadata"]["team"] == 7
    with pytest.raises(ValueError, match="without bound callbacks"):
        WikiToolkit(retriever=city_retriever.with_config(callbacks=[traced]))


def test_tracers_get_the_embeddings() -> None:
    traced = RunCollectorCallbackHandler()
    own = WikiRetriever.from_texts(["Frost is frozen dew."], LetterEmbeddings(), rerank=False)
    own.invoke("frost", {"callbacks": [traced]})
    metadata = traced.traced_runs[0].extra["metadata"]
    expected = {"ls_embedding_provider": "LetterEmbeddings", "ls_embedding_model": "letters"}
    assert expected.items() <= metadata.items()

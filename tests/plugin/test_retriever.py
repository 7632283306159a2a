"""`WikiRetriever`: its results, its constructors, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chromadb
import pytest
from chromadb.api import ClientAPI
from chromadb.config import Settings
from city_texts import CAPITAL, city_documents
from langchain_chroma import Chroma
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from pydantic import ValidationError

from langchain_wikirank import WikiEmbeddings, WikiReranker, WikiRetriever
from wikirank.errors import IndexMismatchError, IndexNotFoundError, InvalidArgumentError

STAGES = {"dense_score", "lexical_score", "fusion_score", "rerank_logit", "relevance_score"}


def ids(documents: list[Document]) -> list[str | None]:
    return [document.id for document in documents]


async def test_the_answer_comes_first_with_its_citation(city_retriever: WikiRetriever) -> None:
    found = city_retriever.invoke(CAPITAL, k=2)
    first = found[0]
    assert len(found) == 2
    assert (first.id, first.page_content) == ("city-0", city_documents()[0].page_content)
    expected = {"title": "Canberra", "section": "History", "url": "https://w.org/Canberra"}
    assert expected.items() <= first.metadata.items()
    assert (first.metadata["passage_number"], first.metadata["rank"]) == (0, 1)
    assert await city_retriever.ainvoke(CAPITAL, k=2) == found


def test_scores_of_each_stage(city_retriever: WikiRetriever) -> None:
    metadata = city_retriever.invoke(CAPITAL)[0].metadata
    assert metadata.keys() >= STAGES
    assert all(type(metadata[name]) is float for name in STAGES)
    assert json.loads(json.dumps(metadata)) == metadata
    plain = city_retriever.invoke(CAPITAL, rerank=False)
    assert {"rerank_logit", "relevance_score"}.isdisjoint(plain[0].metadata)
    dense = city_retriever.invoke(CAPITAL, search_type="dense")[0].metadata
    assert {"lexical_score", "fusion_score"}.isdisjoint(dense)
    assert "dense_score" not in city_retriever.invoke("yeast", search_type="lexical")[0].metadata


def test_ranks_before_and_after(city_retriever: WikiRetriever) -> None:
    before = city_retriever.invoke(CAPITAL, rerank=False)
    after = city_retriever.invoke(CAPITAL)
    assert [d.metadata["rank"] for d in after] == list(range(1, len(after) + 1))
    scores = [d.metadata["relevance_score"] for d in after]
    assert scores == sorted(scores, reverse=True)
    alone = city_retriever.invoke(CAPITAL, search_type="lexical")
    logits = [d.metadata["rerank_logit"] for d in alone]
    assert logits == sorted(logits, reverse=True)
    moved = sorted(after, key=lambda d: d.metadata["rank_before"])
    assert ids(moved) == ids(before)


def test_search_shows_candidates_and_timings(city_retriever: WikiRetriever) -> None:
    result = city_retriever.search(CAPITAL, k=1)
    assert [ranked.passage.id for ranked in result.passages] == ["city-0"]
    assert len(result.candidates) == 5
    assert {"embed", "dense", "lexical", "rerank", "total"} <= result.timings.keys()


def test_filter(city_retriever: WikiRetriever) -> None:
    one = city_retriever.invoke(CAPITAL, filter={"title": "Canberra"})
    assert {document.metadata["title"] for document in one} == {"Canberra"}
    two = city_retriever.invoke(CAPITAL, filter={"title": "Canberra", "section": "Climate"})
    assert ids(two) == ["city-1"]
    standing = WikiRetriever(index=city_retriever.index, filter={"title": "Violin"})
    assert ids(standing.invoke(CAPITAL)) == ["city-4"]
    assert len(standing.invoke(CAPITAL, filter={})) == 5


def test_threshold_is_inclusive_and_may_come_from_the_reranker(
    city_retriever: WikiRetriever,
) -> None:
    scores = [d.metadata["relevance_score"] for d in city_retriever.invoke(CAPITAL)]
    expected = sum(score >= scores[1] for score in scores)
    assert len(city_retriever.invoke(CAPITAL, score_threshold=scores[1])) == expected
    reranker = WikiReranker(score_threshold=scores[1])
    with_reranker = WikiRetriever(index=city_retriever.index, reranker=reranker)
    assert len(with_reranker.invoke(CAPITAL)) == expected
    assert len(with_reranker.invoke(CAPITAL, score_threshold=0.0)) == 5
    assert len(with_reranker.invoke(CAPITAL, rerank=False)) == 5


def test_reranks_unless_told_not_to(city_retriever: WikiRetriever) -> None:
    assert "rerank_logit" in city_retriever.invoke(CAPITAL)[0].metadata
    assert "rerank_logit" not in city_retriever.invoke(CAPITAL, rerank=False)[0].metadata
    without = WikiRetriever(index=city_retriever.index, rerank=False)
    assert "rerank_logit" not in without.invoke(CAPITAL)[0].metadata
    assert "rerank_logit" in without.invoke(CAPITAL, rerank=True)[0].metadata


def test_more_documents_than_candidates_asked_for(city_retriever: WikiRetriever) -> None:
    assert len(city_retriever.invoke(CAPITAL, k=4, fetch_k=1)) == 4


def test_neighbours_are_joined_in_reading_order() -> None:
    parts = ["The kiln is fired at noon.", "It reaches 1200 degrees.", "It cools for two days."]
    retriever = WikiRetriever.from_texts(parts, metadatas=[{"title": "Pottery"}] * 3, rerank=False)
    found = retriever.invoke("1200 degrees", k=1, neighbours=1)
    assert [document.page_content for document in found] == [" ".join(parts)]


def test_metadata_of_the_callers_survives() -> None:
    own = {"source": "handbook.pdf", "page": 3, "tags": ["a", {"b": None}], "year": 1908}
    retriever = WikiRetriever.from_documents([Document("Frost is frozen dew.", metadata=own)])
    metadata = retriever.invoke("frost", rerank=False)[0].metadata
    assert own.items() <= metadata.items()
    assert len(retriever.invoke("frost", rerank=False, filter={"source": "handbook.pdf"})) == 1
    assert retriever.invoke("frost", rerank=False, filter={"year": {"$gt": 1950}}) == []


def test_section_as_a_list_and_fields_of_other_types() -> None:
    metadata = {"title": 7, "section": ["A", "B"], "revision": 12, "passage_number": 4}
    retriever = WikiRetriever.from_texts(["Frost is frozen dew."], metadatas=[metadata])
    found = retriever.invoke("frost")[0].metadata
    assert {**metadata, "section": "A › B"}.items() <= found.items()


def test_ids_are_made_from_the_content() -> None:
    texts = ["One text.", "Another text.", "One text."]
    first = WikiRetriever.from_texts(texts[:2]).invoke("text", rerank=False, k=3)
    more = WikiRetriever.from_texts(["Zero text.", *texts]).invoke("text", rerank=False, k=9)
    assert set(ids(first)) <= set(ids(more))
    assert len(set(ids(more))) == len(more)


def test_an_index_on_disk_is_added_to_and_opened(tmp_path: Path) -> None:
    documents = city_documents()
    for _ in range(2):
        WikiRetriever.from_documents(documents[:3], path=tmp_path / "i").index.close()
    WikiRetriever.from_documents(documents[3:], path=tmp_path / "i").index.close()
    retriever = WikiRetriever.from_index(tmp_path / "i", k=9)
    assert retriever.index.info().passages == 5
    assert ids(retriever.invoke(CAPITAL))[0] == "city-0"
    assert ids(WikiRetriever(index=tmp_path / "i").invoke(CAPITAL))[0] == "city-0"


def test_many_documents_of_one_article() -> None:
    texts = [f"Entry number {number} of the list." for number in range(1200)]
    retriever = WikiRetriever.from_texts(texts, metadatas=[{"title": "List"}] * len(texts))
    assert retriever.index.info().passages == len(texts)


@pytest.fixture
def client(tmp_path: Path) -> ClientAPI:
    settings = Settings(anonymized_telemetry=False)
    return chromadb.PersistentClient(path=str(tmp_path / "chroma"), settings=settings)


def test_a_collection_that_langchain_chroma_filled(client: ClientAPI) -> None:
    Chroma.from_documents(
        city_documents(), WikiEmbeddings(), client=client, collection_name="cities"
    )
    retriever = WikiRetriever.from_client(client, "cities", k=1)
    found = retriever.invoke(CAPITAL)[0]
    assert (found.id, found.metadata["title"]) == ("city-0", "Canberra")
    explicit = WikiRetriever.from_client(client, "cities", WikiEmbeddings(), k=1)
    assert ids(explicit.invoke(CAPITAL)) == ["city-0"]


def test_a_collection_of_the_callers_embeddings(client: ClientAPI) -> None:
    """Random vectors: only identical text is near, which shows that these embeddings are used."""
    embeddings = DeterministicFakeEmbedding(size=16)
    documents = city_documents()
    Chroma.from_documents(documents, embeddings, client=client, collection_name="odd")
    retriever = WikiRetriever.from_client(client, "odd", embeddings, search_type="dense", k=1)
    for document in documents:
        found = retriever.invoke(document.page_content, rerank=False)[0]
        assert found.id == document.id
    assert "DeterministicFakeEmbedding" in retriever.index.embedder.model_id
    with pytest.raises(IndexMismatchError):
        WikiRetriever.from_client(client, "odd")
    with pytest.raises(IndexNotFoundError):
        WikiRetriever.from_client(client, "even")


class Starts(BaseCallbackHandler):
    """Record what a tracer gets of the retriever runs."""

    def __init__(self) -> None:
        self.metadata: list[dict[str, Any]] = []

    def on_retriever_start(self, *_: Any, metadata: dict[str, Any], **__: Any) -> None:
        self.metadata.append(metadata)


def test_tracing_parameters(city_retriever: WikiRetriever) -> None:
    starts = Starts()
    city_retriever.invoke(CAPITAL, {"callbacks": [starts]})
    expected = {"ls_retriever_name": "wikirank", "ls_vector_store_provider": "chroma"}
    assert expected.items() <= starts.metadata[0].items()
    assert starts.metadata[0]["ls_embedding_model"] == city_retriever.index.embedder.model_id


BAD_CALLS: list[tuple[str, dict[str, Any], str]] = [
    (CAPITAL, {"k": 0}, "k "),
    (CAPITAL, {"fetch_k": 0}, "fetch_k"),
    (CAPITAL, {"neighbours": -1}, "neighbours"),
    (CAPITAL, {"score_threshold": 1.5}, "score_threshold"),
    (CAPITAL, {"score_threshold": 0.5, "rerank": False}, "score_threshold"),
    (CAPITAL, {"search_type": "fuzzy"}, "search_type"),
    (CAPITAL, {"filter": {"titel": "x"}}, "title"),
    (CAPITAL, {"top_k": 3}, "Unknown search setting 'top_k'"),
    ("", {}, "empty"),
    (" \n ", {}, "empty"),
]


@pytest.mark.parametrize(("query", "settings", "message"), BAD_CALLS)
async def test_bad_calls(
    city_retriever: WikiRetriever, query: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        city_retriever.invoke(query, **settings)
    with pytest.raises(InvalidArgumentError, match=message):
        await city_retriever.ainvoke(query, **settings)


@pytest.mark.parametrize(
    "wrong",
    [{"k": 0}, {"fetch_k": 0}, {"neighbours": -1}, {"score_threshold": 1.5}, {"top_k": 3}],
)
def test_bad_settings(city_retriever: WikiRetriever, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        WikiRetriever(index=city_retriever.index, **wrong)


def test_missing_index(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError):
        WikiRetriever.from_index(tmp_path / "none")
    with pytest.raises(IndexNotFoundError):
        WikiRetriever(index=tmp_path / "none")


def test_bad_documents() -> None:
    with pytest.raises(InvalidArgumentError, match="'a' twice"):
        WikiRetriever.from_texts(["One.", "Two."], ids=["a", "a"])
    with pytest.raises(InvalidArgumentError, match="as many metadatas as texts"):
        WikiRetriever.from_texts(["One.", "Two."], metadatas=[{}])
    with pytest.raises(InvalidArgumentError, match="JSON"):
        WikiRetriever.from_texts(["One."], metadatas=[{"open": open}])


def test_no_documents() -> None:
    assert WikiRetriever.from_documents([]).invoke(CAPITAL) == []

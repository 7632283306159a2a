"""A Chroma collection that other code fills: searched as it is, in any distance space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from chromadb.api import ClientAPI
from chromadb.config import Settings
from city_texts import CAPITAL, city_documents
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from own_embeddings import LetterEmbeddings, TorchEmbeddings

from langchain_wikirank import WikiEmbeddings, WikiRetriever
from wikirank.errors import IndexMismatchError, IndexNotFoundError, InvalidArgumentError

FROST = Document("Frost is frozen dew.", id="frost", metadata={"title": "Frost"})
STRANGE = Document("Quixwort is brewed from zelkova.", id="odd", metadata={"title": "Quixwort"})


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "chroma")


@pytest.fixture
def client(folder: str) -> ClientAPI:
    return chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False))


@pytest.fixture
def store(client: ClientAPI) -> Chroma:
    return Chroma.from_documents(
        city_documents(), WikiEmbeddings(), client=client, collection_name="cities"
    )


def ids(found: list[Document]) -> set[str | None]:
    return {document.id for document in found}


@pytest.mark.parametrize("kind", ["store", "client", "collection"])
def test_whatever_names_the_collection(store: Chroma, client: ClientAPI, kind: str) -> None:
    given: Any = {
        "store": store,
        "client": client,
        "collection": client.get_collection("cities", embedding_function=None),
    }[kind]
    retriever = WikiRetriever.from_client(given, "cities", k=1)
    assert retriever.invoke(CAPITAL)[0].id == "city-0"
    if kind == "store":
        assert WikiRetriever.from_vectorstore(store, k=1).invoke(CAPITAL)[0].id == "city-0"


def test_the_stores_own_embeddings_are_used(client: ClientAPI) -> None:
    store = Chroma.from_documents(
        city_documents(), LetterEmbeddings(), client=client, collection_name="letters"
    )
    retriever = WikiRetriever.from_vectorstore(store, search_type="dense", rerank=False, k=5)
    for document in city_documents():
        expected = [found.id for found in store.similarity_search(document.page_content, k=5)]
        assert [found.id for found in retriever.invoke(document.page_content)] == expected


def test_a_replaced_collection_must_be_opened_again(store: Chroma, client: ClientAPI) -> None:
    retriever = WikiRetriever.from_vectorstore(store, k=1)
    client.delete_collection("cities")
    for _ in range(2):
        with pytest.raises(IndexNotFoundError, match="another program deleted or replaced it"):
            retriever.invoke(CAPITAL)
        Chroma.from_documents([FROST], WikiEmbeddings(), client=client, collection_name="cities")
    again = WikiRetriever.from_client(client, "cities", k=1)
    assert ids(again.invoke("What is frost?")) == {"frost"}


def test_another_kind_of_store() -> None:
    memory = InMemoryVectorStore.from_documents([FROST], WikiEmbeddings())
    with pytest.raises(InvalidArgumentError, match="InMemoryVectorStore"):
        WikiRetriever.from_vectorstore(memory)


@pytest.mark.parametrize("search_type", ["dense", "lexical", "hybrid"])
def test_what_others_add_and_delete_counts_at_once(store: Chroma, search_type: str) -> None:
    retriever = WikiRetriever.from_vectorstore(store, k=9, rerank=False, search_type=search_type)
    assert "frost" not in ids(retriever.invoke("What is frost, frozen dew?"))
    store.add_documents([FROST, STRANGE])
    assert "frost" in ids(retriever.invoke("What is frost, frozen dew?"))
    assert "odd" in ids(retriever.invoke("quixwort"))
    store.delete(["frost"])
    assert "frost" not in ids(retriever.invoke("What is frost, frozen dew?"))
    # As many as before, so the number of records does not show the change.
    store.delete(["odd"])
    store.add_documents([FROST])
    assert "odd" not in ids(retriever.invoke("quixwort"))
    assert "frost" in ids(retriever.invoke("What is frost, frozen dew?"))


def test_a_record_changed_in_place(store: Chroma) -> None:
    retriever = WikiRetriever.from_vectorstore(store, k=9, rerank=False)
    changed = Document("Canberra brews quixwort.", metadata={"title": "Brewing"})
    store.update_document("city-0", changed)
    found = {d.id: d for d in retriever.invoke(CAPITAL)}["city-0"]
    assert (found.page_content, found.metadata["title"]) == (changed.page_content, "Brewing")
    assert ids(retriever.invoke("quixwort", search_type="lexical")) == {"city-0"}
    store.update_document("city-4", Document("Zelkova is a tree.", metadata={"n": 1}))
    assert retriever.index.refresh() == 1
    assert ids(retriever.invoke("zelkova", search_type="lexical")) == {"city-4"}
    assert retriever.index.refresh() == 0


def test_another_process_like_client_sees_the_same(store: Chroma, client: ClientAPI) -> None:
    one = WikiRetriever.from_vectorstore(store, k=9, rerank=False, search_type="lexical")
    two = WikiRetriever.from_client(client, "cities", k=9, rerank=False, search_type="lexical")
    assert one.add_documents([FROST]) == ["frost"]
    assert store.get_by_ids(["frost"])[0].page_content == FROST.page_content
    assert ids(two.invoke("frozen dew")) == ids(one.invoke("frozen dew")) == {"frost"}
    assert two.delete(["frost"])
    assert store.get_by_ids(["frost"]) == []
    assert one.invoke("frozen dew") == []


def test_the_mirror_is_kept(store: Chroma, client: ClientAPI, monkeypatch: Any) -> None:
    """Opening again reads only the documents that were added meanwhile."""
    WikiRetriever.from_vectorstore(store).index.close()
    store.add_documents([FROST])
    read: list[str] = []
    get = chromadb.Collection.get

    def counted(self: chromadb.Collection, *args: Any, **kwargs: Any) -> Any:
        page = get(self, *args, **kwargs)
        if kwargs.get("include") == ["documents", "metadatas"]:
            read.extend(page["ids"])
        return page

    monkeypatch.setattr(chromadb.Collection, "get", counted)
    retriever = WikiRetriever.from_client(client, "cities", rerank=False, search_type="lexical")
    assert set(read) == {"city-4", "frost"}
    assert ids(retriever.invoke("frozen dew")) == {"frost"}


def test_a_folder_of_ones_own(store: Chroma, tmp_path: Path) -> None:
    WikiRetriever.from_vectorstore(store, path=tmp_path / "words").index.close()
    assert any((tmp_path / "words").iterdir())
    other = Chroma("other", WikiEmbeddings(), client=store._client)
    with pytest.raises(InvalidArgumentError, match="another path"):
        WikiRetriever.from_vectorstore(other, path=tmp_path / "words")


@pytest.mark.parametrize("space", ["l2", "ip", "cosine"])
def test_vectors_of_any_length_rank_as_in_chroma(
    minilm: Path, client: ClientAPI, leads: list[Document], space: str
) -> None:
    embedding: Embeddings = TorchEmbeddings(minilm, stretch=True)
    store = Chroma(
        "stretched",
        embedding,
        client=client,
        collection_configuration={"hnsw": {"space": space}},
    )
    store.add_documents(leads, ids=[str(number) for number in range(len(leads))])
    retriever = WikiRetriever.from_vectorstore(store, search_type="dense", rerank=False, k=5)
    for lead in leads[:4]:
        question = f"What is {lead.metadata['title']}?"
        found = retriever.invoke(question)
        assert [d.id for d in found] == [d.id for d in store.similarity_search(question, k=5)]
        query = np.array(embedding.embed_query(question))
        for document in found:
            vector = np.array(embedding.embed_documents([document.page_content])[0])
            cosine = query @ vector / np.linalg.norm(query) / np.linalg.norm(vector)
            assert document.metadata["dense_score"] == pytest.approx(cosine, abs=1e-4)


@pytest.mark.parametrize("other", [LetterEmbeddings(), DeterministicFakeEmbedding(size=384)])
def test_a_collection_of_another_model_is_refused(client: ClientAPI, other: Embeddings) -> None:
    """The dimension is the same, so only the vectors show the difference."""
    store = Chroma.from_documents(city_documents(), other, client=client, collection_name="other")
    with pytest.raises(IndexMismatchError, match="embedding="):
        WikiRetriever.from_client(client, "other")
    with pytest.raises(IndexMismatchError, match="embedding="):
        WikiRetriever.from_vectorstore(store, WikiEmbeddings())
    assert WikiRetriever.from_client(client, "other", other, rerank=False).invoke(CAPITAL)


def test_an_empty_collection_is_filled_later(client: ClientAPI) -> None:
    store = Chroma("later", WikiEmbeddings(), client=client)
    retriever = WikiRetriever.from_vectorstore(store)
    assert retriever.invoke(CAPITAL) == []
    store.add_documents(city_documents())
    assert retriever.invoke(CAPITAL)[0].id == "city-0"


def test_metadata_that_chroma_cannot_hold(store: Chroma) -> None:
    retriever = WikiRetriever.from_vectorstore(store)
    with pytest.raises(InvalidArgumentError, match="'tags'"):
        retriever.add_documents([Document("Frost.", metadata={"tags": {"a": 1}})])


def test_an_id_given_twice_is_refused_before_anything_is_written(store: Chroma) -> None:
    retriever = WikiRetriever.from_vectorstore(store)
    before = store.get()["ids"]
    with pytest.raises(InvalidArgumentError, match="'new' twice"):
        retriever.add_documents([Document("One.", id="new"), Document("Two.", id="new")])
    assert store.get()["ids"] == before

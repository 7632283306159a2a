"""`WikiEmbeddings`: unmodified langchain-tests, and langchain_chroma's store on top of it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from langchain_wikirank import WikiEmbeddings

BREAD = "How does bread rise?"


class TestWikiEmbeddingsUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return WikiEmbeddings


class TestWikiEmbeddingsIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return WikiEmbeddings


async def test_vectors(cities: list[Document]) -> None:
    embeddings = WikiEmbeddings()
    texts = [document.page_content for document in cities]
    vectors = embeddings.embed_documents(texts)
    assert embeddings.embed_documents([]) == []
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-5) for vector in vectors)
    assert await embeddings.aembed_documents(texts) == vectors
    query = embeddings.embed_query(BREAD)
    assert await embeddings.aembed_query(BREAD) == query
    nearness = [sum(a * b for a, b in zip(query, vector, strict=True)) for vector in vectors]
    assert max(nearness) == nearness[3]


def test_langchain_chroma(cities: list[Document], tmp_path: Path) -> None:
    store = Chroma.from_documents(cities, WikiEmbeddings(), persist_directory=str(tmp_path))
    assert store.similarity_search(BREAD, k=1)[0].id == "city-3"

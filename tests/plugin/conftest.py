"""Real documents, a real index and the real models for the tests of the LangChain classes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from australia import write_australia
from city_texts import city_documents
from langchain_core.documents import Document
from live_places import served_australia
from mediawiki_wiki import Wiki

from langchain_wikirank import WikiReranker, WikiRetriever
from wikirank.corpus import open_source


@pytest.fixture
def cities() -> list[Document]:
    return city_documents()


@pytest.fixture(scope="session")
def reranker() -> WikiReranker:
    return WikiReranker(top_n=None)


@pytest.fixture(scope="session")
def city_retriever() -> WikiRetriever:
    return WikiRetriever.from_documents(city_documents(), rerank=True)


@pytest.fixture(scope="session")
def leads() -> list[Document]:
    """The first 50 leads of the sample corpus, cut short to keep many searches quick."""
    return [
        Document(page_content=article.text[:160], metadata={"title": article.title})
        for article in islice(open_source("sample"), 50)
    ]


@pytest.fixture(scope="session")
def lead_retriever(leads: list[Document]) -> WikiRetriever:
    """A retriever of the leads with three candidates, so that hundreds of searches take seconds."""
    return WikiRetriever.from_documents(leads, k=2, fetch_k=3, rerank=True)


@pytest.fixture(scope="session")
def questions(leads: list[Document]) -> list[str]:
    """Two hundred different questions about the leads."""
    templates = (
        "What is {}?",
        "Why is {} known?",
        "When was {} made or born?",
        "Where is {} found?",
    )
    return [template.format(lead.metadata["title"]) for template in templates for lead in leads]


@pytest.fixture(scope="module")
def served_wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wiki]:
    with served_australia(tmp_path_factory.mktemp("live") / "wiki") as wiki:
        yield wiki


@pytest.fixture(scope="module")
def zim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_australia(tmp_path_factory.mktemp("zim") / "australia.zim")

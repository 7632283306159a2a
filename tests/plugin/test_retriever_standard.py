"""Unmodified retriever tests of langchain-tests, with the real models and a real Chroma."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from australia import PAGES, write_australia
from city_texts import CAPITAL, city_documents
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests
from mediawiki_wiki import Wiki, skip_without_mediawiki
from own_embeddings import LetterEmbeddings

from langchain_wikirank import LiveWikiRetriever, WikiRetriever
from wikirank.corpus.sources.mediawiki.live import LiveMediaWiki
from wikirank.corpus.sources.zim_live import LiveZim


@pytest.fixture(scope="session")
def city_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "cities"
    WikiRetriever.from_documents(city_documents(), path=path).index.close()
    return path


class TestWikiRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _index(self, city_index: Path) -> None:
        self.index = city_index

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return WikiRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"index": self.index, "rerank": True}

    @property
    def retriever_query_example(self) -> str:
        return CAPITAL


class TestWikiRetrieverWithOtherEmbeddings(TestWikiRetriever):
    @pytest.fixture(autouse=True)
    def _index(self) -> None:
        documents = city_documents()
        self.index = WikiRetriever.from_documents(documents, LetterEmbeddings()).index


class TestWikiRetrieverFirstStage(TestWikiRetriever):
    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"index": self.index, "rerank": False}


class TestFromZim(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _wiki(self, tmp_path: Path) -> None:
        self.wiki = LiveZim(write_australia(tmp_path / "australia.zim"))

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return LiveWikiRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"wiki": self.wiki}

    @property
    def retriever_query_example(self) -> str:
        return CAPITAL


class TestFromMediaWiki(TestFromZim):
    @pytest.fixture(autouse=True)
    def _wiki(self, tmp_path: Path) -> Iterator[None]:
        skip_without_mediawiki()
        with Wiki.install(tmp_path / "wiki") as wiki:
            for title, text in PAGES.items():
                wiki.edit(title, text)
            with LiveMediaWiki(wiki.url) as self.wiki:
                yield

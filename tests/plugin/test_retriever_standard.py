"""langchain-tests' retriever tests, untouched, with the real models and a real Chroma."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from city_texts import CAPITAL, city_documents
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests

from langchain_wikirank import WikiRetriever


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


class TestWikiRetrieverFirstStage(TestWikiRetriever):
    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"index": self.index, "rerank": False}

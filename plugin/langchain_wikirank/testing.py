"""Standard tests for document compressors that rerank: subclass, name your class, run pytest.

langchain-tests has suites for retrievers, tools and embeddings, but none for compressors.

Example:
    ```python
    from langchain_wikirank.testing import CompressorStandardTests


    class TestMyReranker(CompressorStandardTests):
        @property
        def compressor_constructor(self):
            return MyReranker
    ```

A test that your compressor is known to fail stays visible when you override it with
`@pytest.mark.xfail(strict=True, reason="…")` and call `super()`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from typing_extensions import override

_TEXTS = (
    "The capital of Australia is Canberra, chosen in 1908 between Sydney and Melbourne.",
    "Sourdough bread is leavened by wild yeast and lactic acid bacteria.",
    "Sydney is the most populous city of Australia and lies on its east coast.",
    "The mitochondrion makes most of a cell's supply of adenosine triphosphate.",
    "Canberra hosts the Parliament of Australia and the High Court.",
    "A violin has four strings, usually tuned in perfect fifths.",
)


class CompressorStandardTests:
    """What a reranking compressor owes to its callers, one test a promise."""

    @property
    @abstractmethod
    def compressor_constructor(self) -> type[BaseDocumentCompressor]:
        """The class to test."""

    @property
    def compressor_constructor_params(self) -> dict[str, Any]:
        """Arguments for the constructor, without those for the number and the threshold."""
        return {}

    @property
    def top_n_arg_name(self) -> str:
        """Name of the constructor's argument for how many documents to return."""
        return "top_n"

    @property
    def score_threshold_arg_name(self) -> str | None:
        """Name of the constructor's argument for the least score; None if there is none."""
        return "score_threshold"

    @property
    def score_key(self) -> str:
        """Metadata key of the score in [0, 1]."""
        return "relevance_score"

    @property
    def query_example(self) -> str:
        """A question that the first of `documents_example` answers best."""
        return "What is the capital of Australia?"

    @property
    def documents_example(self) -> list[Document]:
        """Documents with ids and metadata, all different, the first the best answer."""
        return [
            Document(page_content=text, id=f"doc-{number}", metadata={"n": number, "tags": ["a"]})
            for number, text in enumerate(_TEXTS)
        ]

    @pytest.fixture
    def compressor(self) -> BaseDocumentCompressor:
        """A compressor that returns as many documents as it is given."""
        return self.make(len(self.documents_example) + 2)

    def make(self, top_n: int, **params: Any) -> BaseDocumentCompressor:
        """Construct the compressor under test.

        Args:
            top_n: How many documents it is to return at most.
            **params: Further arguments for the constructor.

        Returns:
            The compressor.
        """
        arguments = {**self.compressor_constructor_params, self.top_n_arg_name: top_n, **params}
        return self.compressor_constructor(**arguments)

    def scores(self, documents: Sequence[Document]) -> list[float]:
        """The scores that the compressor wrote in the metadata, in order."""
        return [document.metadata[self.score_key] for document in documents]

    def run(
        self, compressor: BaseDocumentCompressor, documents: Sequence[Document]
    ) -> list[Document]:
        """Compress documents for the example query."""
        return list(compressor.compress_documents(documents, self.query_example))

    def test_returns_all_documents(self, compressor: BaseDocumentCompressor) -> None:
        """Reranking alone drops nothing and invents nothing."""
        compressed = self.run(compressor, self.documents_example)
        assert all(isinstance(document, Document) for document in compressed)
        expected = sorted(document.page_content for document in self.documents_example)
        assert sorted(document.page_content for document in compressed) == expected

    def test_best_answer_first(self, compressor: BaseDocumentCompressor) -> None:
        """The document that answers the question comes first, from whatever place."""
        backwards = self.documents_example[::-1]
        compressed = self.run(compressor, backwards)
        assert compressed[0].page_content == backwards[-1].page_content

    def test_empty_documents(self, compressor: BaseDocumentCompressor) -> None:
        """No documents in, no documents out."""
        assert self.run(compressor, []) == []

    def test_one_document(self, compressor: BaseDocumentCompressor) -> None:
        """A single document comes back."""
        only = self.documents_example[:1]
        assert [document.id for document in self.run(compressor, only)] == [only[0].id]

    def test_top_n(self) -> None:
        """The number asked for is the number returned, and they are the best ones."""
        everything = self.run(self.make(len(self.documents_example)), self.documents_example)
        for top_n in (1, 3):
            compressed = self.run(self.make(top_n), self.documents_example)
            assert [d.id for d in compressed] == [d.id for d in everything[:top_n]]

    def test_does_not_change_its_input(self, compressor: BaseDocumentCompressor) -> None:
        """The caller's list and documents are as they were."""
        documents = self.documents_example
        before = [document.model_copy(deep=True) for document in documents]
        self.run(compressor, documents)
        assert documents == before

    def test_returns_copies(self, compressor: BaseDocumentCompressor) -> None:
        """Writing in a returned document's metadata leaves the caller's document alone."""
        documents = self.documents_example
        for document in self.run(compressor, documents):
            document.metadata["written"] = True
        assert not any("written" in document.metadata for document in documents)

    def test_keeps_ids_and_metadata(self, compressor: BaseDocumentCompressor) -> None:
        """Id, text and each metadata key that was there are still there, unchanged."""
        originals = {document.id: document for document in self.documents_example}
        compressed = self.run(compressor, self.documents_example)
        assert {document.id for document in compressed} == originals.keys()
        for document in compressed:
            original = originals[document.id]
            assert document.page_content == original.page_content
            assert original.metadata.items() <= document.metadata.items()

    def test_keeps_duplicates(self, compressor: BaseDocumentCompressor) -> None:
        """Equal documents all come back: dropping them is the caller's business."""
        twice = [*self.documents_example[:2], *self.documents_example[:2]]
        assert len(self.run(compressor, twice)) == len(twice)

    def test_ties_keep_their_order(self, compressor: BaseDocumentCompressor) -> None:
        """Documents of equal text come back in the order given."""
        text = self.documents_example[0].page_content
        same = [Document(page_content=text, id=str(number)) for number in range(5)]
        assert [document.id for document in self.run(compressor, same)] == list("01234")

    def test_scores_in_metadata(self, compressor: BaseDocumentCompressor) -> None:
        """Each document carries its score: a Python float in [0, 1], best first."""
        scores = self.scores(self.run(compressor, self.documents_example))
        assert all(type(score) is float and 0 <= score <= 1 for score in scores)
        assert scores == sorted(scores, reverse=True)
        assert scores[0] > scores[-1]

    def test_metadata_is_json(self, compressor: BaseDocumentCompressor) -> None:
        """What the compressor adds to the metadata can be written as JSON and read back."""
        for document in self.run(compressor, self.documents_example):
            metadata = json.loads(json.dumps(document.metadata, allow_nan=False))
            assert metadata == document.metadata

    def test_score_threshold_is_inclusive(self) -> None:
        """A document that scores exactly the threshold is kept, those below are dropped."""
        if self.score_threshold_arg_name is None:
            pytest.skip("score_threshold_arg_name is None: no threshold")
        many = len(self.documents_example)
        ranked = self.run(self.make(many), self.documents_example)
        threshold = self.scores(ranked)[1]
        compressor = self.make(many, **{self.score_threshold_arg_name: threshold})
        compressed = self.run(compressor, self.documents_example)
        expected = [document.id for document in ranked if self.scores([document])[0] >= threshold]
        assert [document.id for document in compressed] == expected

    def test_score_does_not_depend_on_the_others(self, compressor: BaseDocumentCompressor) -> None:
        """A document scores the same alone as among others."""
        together = self.run(compressor, self.documents_example)
        alone = [self.run(compressor, [document])[0] for document in together]
        assert self.scores(alone) == pytest.approx(self.scores(together), abs=1e-6)

    def test_same_result_twice(self, compressor: BaseDocumentCompressor) -> None:
        """The same call gives the same documents with the same metadata."""
        first = self.run(compressor, self.documents_example)
        assert self.run(compressor, self.documents_example) == first

    def test_empty_text(self, compressor: BaseDocumentCompressor) -> None:
        """A document without text is ranked, not dropped, and breaks nothing."""
        documents = [Document(page_content="", id="empty"), *self.documents_example]
        compressed = self.run(compressor, documents)
        assert len(compressed) == len(documents)
        assert compressed[0].id != "empty"

    def test_unicode(self, compressor: BaseDocumentCompressor) -> None:
        """Any script comes back as it went in."""
        texts = [
            "日本の首都は東京です。",
            "عاصمة مصر هي القاهرة",
            "Ĳssel 🧀 e\u0301",
            "line\nbreak\t\x00",
        ]
        documents = [Document(page_content=text) for text in texts]
        compressed = compressor.compress_documents(documents, "東京 🧀 ?")
        assert sorted(document.page_content for document in compressed) == sorted(texts)

    async def test_async_equals_sync(self, compressor: BaseDocumentCompressor) -> None:
        """The async method returns what the sync method returns."""
        compressed = await compressor.acompress_documents(
            self.documents_example, self.query_example
        )
        assert list(compressed) == self.run(compressor, self.documents_example)

    async def test_within_contextual_compression(self, compressor: BaseDocumentCompressor) -> None:
        """It works inside `ContextualCompressionRetriever`, sync and async."""
        classic = pytest.importorskip("langchain_classic.retrievers")
        wrapped = classic.ContextualCompressionRetriever(
            base_compressor=compressor,
            base_retriever=_FixedRetriever(documents=self.documents_example),
        )
        expected = self.run(compressor, self.documents_example)
        assert wrapped.invoke(self.query_example) == expected
        assert await wrapped.ainvoke(self.query_example) == expected


class _FixedRetriever(BaseRetriever):
    """Returns the same documents for any query."""

    documents: list[Document]

    @override
    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return self.documents

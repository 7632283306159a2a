"""Standard tests for reranking document compressors.

langchain-tests has suites for retrievers, tools and embeddings, but none for compressors. Subclass
`CompressorStandardTests`, return your class from `compressor_constructor`, and run pytest.

Example:
    ```python
    from langchain_wikirank.testing import CompressorStandardTests


    class TestMyReranker(CompressorStandardTests):
        @property
        def compressor_constructor(self):
            return MyReranker
    ```

If your compressor is known to fail a test, override the test with
`@pytest.mark.xfail(strict=True, reason="…")` and call `super()`, so that the failure stays visible.
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
    """Tests of what callers may expect from a reranking compressor."""

    @property
    @abstractmethod
    def compressor_constructor(self) -> type[BaseDocumentCompressor]:
        """The compressor class to test."""

    @property
    def compressor_constructor_params(self) -> dict[str, Any]:
        """Constructor arguments, except the number of documents and the threshold."""
        return {}

    @property
    def top_n_arg_name(self) -> str:
        """Name of the constructor argument for the maximum number of documents to return."""
        return "top_n"

    @property
    def score_threshold_arg_name(self) -> str | None:
        """Name of the constructor argument for the minimum score; None if there is none."""
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
        """Different documents with ids and metadata; the first one answers best."""
        return [
            Document(page_content=text, id=f"doc-{number}", metadata={"n": number, "tags": ["a"]})
            for number, text in enumerate(_TEXTS)
        ]

    @pytest.fixture
    def compressor(self) -> BaseDocumentCompressor:
        """A compressor that returns all documents."""
        return self.make(len(self.documents_example) + 2)

    def make(self, top_n: int, **params: Any) -> BaseDocumentCompressor:
        """Construct the compressor under test.

        Args:
            top_n: Maximum number of documents to return.
            **params: More constructor arguments.

        Returns:
            The compressor.
        """
        arguments = {**self.compressor_constructor_params, self.top_n_arg_name: top_n, **params}
        return self.compressor_constructor(**arguments)

    def scores(self, documents: Sequence[Document]) -> list[float]:
        """Return the scores that the compressor wrote to the metadata, in order."""
        return [document.metadata[self.score_key] for document in documents]

    def run(
        self, compressor: BaseDocumentCompressor, documents: Sequence[Document]
    ) -> list[Document]:
        """Compress documents for the example query."""
        return list(compressor.compress_documents(documents, self.query_example))

    def test_returns_all_documents(self, compressor: BaseDocumentCompressor) -> None:
        """Reranking without a limit returns exactly the input documents."""
        compressed = self.run(compressor, self.documents_example)
        assert all(isinstance(document, Document) for document in compressed)
        expected = sorted(document.page_content for document in self.documents_example)
        assert sorted(document.page_content for document in compressed) == expected

    def test_best_answer_first(self, compressor: BaseDocumentCompressor) -> None:
        """The document that answers the question comes first, even if it was the last."""
        backwards = self.documents_example[::-1]
        compressed = self.run(compressor, backwards)
        assert compressed[0].page_content == backwards[-1].page_content

    def test_empty_documents(self, compressor: BaseDocumentCompressor) -> None:
        """An empty list gives an empty list."""
        assert self.run(compressor, []) == []

    def test_one_document(self, compressor: BaseDocumentCompressor) -> None:
        """A single document is returned."""
        only = self.documents_example[:1]
        assert [document.id for document in self.run(compressor, only)] == [only[0].id]

    def test_top_n(self) -> None:
        """Exactly `top_n` documents are returned, and they are the best ones."""
        everything = self.run(self.make(len(self.documents_example)), self.documents_example)
        for top_n in (1, 3):
            compressed = self.run(self.make(top_n), self.documents_example)
            assert [d.id for d in compressed] == [d.id for d in everything[:top_n]]

    def test_does_not_change_its_input(self, compressor: BaseDocumentCompressor) -> None:
        """The list and documents of the caller are unchanged."""
        documents = self.documents_example
        before = [document.model_copy(deep=True) for document in documents]
        self.run(compressor, documents)
        assert documents == before

    def test_returns_copies(self, compressor: BaseDocumentCompressor) -> None:
        """Changing the metadata of a returned document does not change the input document."""
        documents = self.documents_example
        for document in self.run(compressor, documents):
            document.metadata["written"] = True
        assert not any("written" in document.metadata for document in documents)

    def test_keeps_ids_and_metadata(self, compressor: BaseDocumentCompressor) -> None:
        """Id, text and existing metadata are unchanged."""
        originals = {document.id: document for document in self.documents_example}
        compressed = self.run(compressor, self.documents_example)
        assert {document.id for document in compressed} == originals.keys()
        for document in compressed:
            original = originals[document.id]
            assert document.page_content == original.page_content
            assert original.metadata.items() <= document.metadata.items()

    def test_keeps_duplicates(self, compressor: BaseDocumentCompressor) -> None:
        """Equal documents are all returned; only the caller may drop duplicates."""
        twice = [*self.documents_example[:2], *self.documents_example[:2]]
        assert len(self.run(compressor, twice)) == len(twice)

    def test_ties_keep_their_order(self, compressor: BaseDocumentCompressor) -> None:
        """Documents with equal text keep their order."""
        text = self.documents_example[0].page_content
        same = [Document(page_content=text, id=str(number)) for number in range(5)]
        assert [document.id for document in self.run(compressor, same)] == list("01234")

    def test_scores_in_metadata(self, compressor: BaseDocumentCompressor) -> None:
        """Each document has its score, a Python float in [0, 1], best first."""
        scores = self.scores(self.run(compressor, self.documents_example))
        assert all(type(score) is float and 0 <= score <= 1 for score in scores)
        assert scores == sorted(scores, reverse=True)
        assert scores[0] > scores[-1]

    def test_metadata_is_json(self, compressor: BaseDocumentCompressor) -> None:
        """Metadata added by the compressor can be written as JSON and read back."""
        for document in self.run(compressor, self.documents_example):
            metadata = json.loads(json.dumps(document.metadata, allow_nan=False))
            assert metadata == document.metadata

    def test_score_threshold_is_inclusive(self) -> None:
        """A document whose score equals the threshold is kept; lower ones are dropped."""
        if self.score_threshold_arg_name is None:
            pytest.skip("score_threshold_arg_name is None: no threshold")
        count = len(self.documents_example)
        ranked = self.run(self.make(count), self.documents_example)
        threshold = self.scores(ranked)[1]
        compressor = self.make(count, **{self.score_threshold_arg_name: threshold})
        compressed = self.run(compressor, self.documents_example)
        expected = [document.id for document in ranked if self.scores([document])[0] >= threshold]
        assert [document.id for document in compressed] == expected

    def test_score_does_not_depend_on_the_others(self, compressor: BaseDocumentCompressor) -> None:
        """A document gets the same score alone and among others."""
        together = self.run(compressor, self.documents_example)
        alone = [self.run(compressor, [document])[0] for document in together]
        assert self.scores(alone) == pytest.approx(self.scores(together), abs=1e-6)

    def test_same_result_twice(self, compressor: BaseDocumentCompressor) -> None:
        """The same call returns the same documents with the same metadata."""
        first = self.run(compressor, self.documents_example)
        assert self.run(compressor, self.documents_example) == first

    def test_empty_text(self, compressor: BaseDocumentCompressor) -> None:
        """A document without text is ranked, not dropped."""
        documents = [Document(page_content="", id="empty"), *self.documents_example]
        compressed = self.run(compressor, documents)
        assert len(compressed) == len(documents)
        assert compressed[0].id != "empty"

    def test_unicode(self, compressor: BaseDocumentCompressor) -> None:
        """Text in any script is unchanged."""
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
        """The compressor works in `ContextualCompressionRetriever`, sync and async."""
        classic = pytest.importorskip("langchain_classic.retrievers")
        wrapped = classic.ContextualCompressionRetriever(
            base_compressor=compressor,
            base_retriever=_FixedRetriever(documents=self.documents_example),
        )
        expected = self.run(compressor, self.documents_example)
        assert wrapped.invoke(self.query_example) == expected
        assert await wrapped.ainvoke(self.query_example) == expected


class _FixedRetriever(BaseRetriever):
    """Return the same documents for any query."""

    documents: list[Document]

    @override
    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return self.documents

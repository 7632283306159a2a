"""Other libraries' rerankers and cross-encoders in our classes, and ours in theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from city_texts import CAPITAL, city_documents
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import CrossEncoderReranker
from langchain_core.callbacks import Callbacks
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from langchain_wikirank import WikiReranker, WikiRetriever, WikiToolkit
from wikirank.errors import InvalidArgumentError


class HostedRerank(BaseDocumentCompressor):
    """Like CohereRerank: copies without ids, scores in the metadata, its own limit."""

    top_n: int = 3

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        scored = WikiReranker(top_n=self.top_n).compress_documents(documents, query, callbacks)
        return [
            Document(
                document.page_content,
                metadata={
                    **{k: v for k, v in document.metadata.items() if k != "rerank_logit"},
                    "billed_units": 1,
                },
            )
            for document in scored
        ]


class NamesACity(BaseDocumentCompressor):
    """A filter that keeps some documents unchanged."""

    def compress_documents(
        self,
        documents: Sequence[Document],
        query: str,  # noqa: ARG002
        callbacks: Callbacks = None,  # noqa: ARG002
    ) -> list[Document]:
        cities = ("Canberra", "Sydney")
        return [d for d in documents if any(city in d.page_content for city in cities)]


class WordOverlap(BaseCrossEncoder):
    """Score by the number of shared words: scores outside [0, 1]."""

    def __init__(self, share: bool) -> None:
        self._share = share

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        return [
            len(set(query.lower().split()) & set(text.lower().split()))
            / (len(query.split()) if self._share else 1)
            for query, text in text_pairs
        ]


async def test_a_hosted_reranker(city_retriever: WikiRetriever) -> None:
    hosted = WikiRetriever(index=city_retriever.index, reranker=HostedRerank(), k=2)
    found = hosted.invoke(CAPITAL)
    assert [d.id for d in found] == [
        d.id for d in city_retriever.invoke(CAPITAL, k=2, search_type="dense")
    ]
    first = found[0].metadata
    assert (first["title"], first["rank"], first["billed_units"]) == ("Canberra", 1, 1)
    assert 0 < first["relevance_score"] <= 1
    assert "rerank_logit" not in first
    assert "wikirank_candidate" not in first
    assert len(hosted.invoke(CAPITAL, k=5)) == 3  # Its own limit.
    assert await hosted.ainvoke(CAPITAL) == found
    least = found[1].metadata["relevance_score"]
    assert len(hosted.invoke(CAPITAL, score_threshold=least)) == 2
    plain = hosted.invoke(CAPITAL, rerank=False)
    assert "billed_units" not in plain[0].metadata
    assert json.loads(hosted.model_dump_json())["reranker"]["top_n"] == 3


def test_its_run_is_traced(city_retriever: WikiRetriever) -> None:
    traced = RunCollectorCallbackHandler()
    hosted = WikiRetriever(index=city_retriever.index, reranker=HostedRerank(), k=2)
    hosted.invoke(CAPITAL, {"callbacks": [traced]})
    run = traced.traced_runs[0]
    assert run.extra["metadata"]["reranker_model"] == "HostedRerank"
    runs = [(child.name, child.outputs["count"]) for child in run.child_runs]
    assert ("wikirank.retrieve", 5) in runs
    assert ("wikirank.rerank", 2) in runs


def test_a_filter_gives_no_score(city_retriever: WikiRetriever) -> None:
    retriever = WikiRetriever(index=city_retriever.index, reranker=NamesACity())
    found = retriever.invoke(CAPITAL)
    assert {document.id for document in found} == {"city-0", "city-1", "city-2"}
    assert "relevance_score" not in found[0].metadata
    with pytest.raises(InvalidArgumentError, match="score_threshold"):
        retriever.invoke(CAPITAL, score_threshold=0.5)
    search = WikiToolkit(retriever=retriever).get_tools()[0]
    assert "Canberra" in search.invoke({"query": CAPITAL})


def test_ours_is_a_cross_encoder_for_others(city_retriever: WikiRetriever) -> None:
    theirs = CrossEncoderReranker(model=WikiReranker(), top_n=2)
    around = ContextualCompressionRetriever(
        base_compressor=theirs, base_retriever=WikiRetriever(index=city_retriever.index, k=5)
    )
    assert around.invoke(CAPITAL)[0].id == "city-0"
    inside = WikiRetriever(index=city_retriever.index, reranker=theirs)
    assert [d.id for d in inside.invoke(CAPITAL)] == [d.id for d in around.invoke(CAPITAL)]
    pairs = [(CAPITAL, d.page_content) for d in city_documents()] + [("bread", "Bread rises.")]
    scores = WikiReranker().score(pairs)
    assert all(type(score) is float and 0 <= score <= 1 for score in scores)
    assert len(scores) == 6
    assert max(scores[:5]) == scores[0]
    assert WikiReranker().score([]) == []


@pytest.mark.parametrize("share", [True, False])
def test_any_cross_encoder_in_ours(city_retriever: WikiRetriever, share: bool) -> None:
    query = "beer wort yeast"
    texts = ["Beer is made of wort by yeast.", "Rye bread.", "Yeast is a fungus."]
    reranker = WikiReranker(model=WordOverlap(share), top_n=2)
    best = reranker.compress_documents([Document(text) for text in texts], query)
    assert [document.page_content for document in best] == [texts[0], texts[2]]
    name, other = (
        ("relevance_score", "rerank_logit") if share else ("rerank_logit", "relevance_score")
    )
    assert best[0].metadata[name] == pytest.approx(2 / 3 if share else 2)
    assert other not in best[0].metadata
    retriever = WikiRetriever(index=city_retriever.index, reranker=reranker, k=4)
    assert len(retriever.invoke(CAPITAL)) == 4
    assert json.loads(reranker.model_dump_json())["model"] == "WordOverlap"
    assert "top_n" in WikiReranker.model_json_schema()["properties"]


def test_a_threshold_needs_scores_that_it_can_be_compared_with() -> None:
    reranker = WikiReranker(model=WordOverlap(False), score_threshold=0.5)
    with pytest.raises(InvalidArgumentError, match="WordOverlap"):
        reranker.compress_documents([Document("a b c d")], "a b c d")
    with pytest.raises(InvalidArgumentError, match="WordOverlap"):
        reranker.load_model()

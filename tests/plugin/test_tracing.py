"""LangChain callbacks and tracing of searches and reranking."""

from __future__ import annotations

import json
from typing import Any

import pytest
from city_texts import CAPITAL
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.documents import Document
from langchain_core.tracers import Run
from langchain_core.tracers.context import collect_runs

from langchain_wikirank import WikiReranker, WikiRetriever
from wikirank.errors import InvalidArgumentError


class Runs(AsyncCallbackHandler):
    """Asynchronous handler that records the names of the chain runs that start and end."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.names: dict[Any, str] = {}

    async def on_chain_start(self, *_: Any, name: str, run_id: Any, **__: Any) -> None:
        self.names[run_id] = name
        self.events.append(f"start {name}")

    async def on_chain_end(self, _: Any, *, run_id: Any, **__: Any) -> None:
        self.events.append(f"end {self.names[run_id]}")


def check_children(run: Run, documents: list[Document], model_id: str) -> None:
    retrieve, rerank = run.child_runs
    assert (retrieve.name, rerank.name) == ("wikirank.retrieve", "wikirank.rerank")
    assert retrieve.inputs == {"query": CAPITAL, "search_type": "hybrid", "fetch_k": 50}
    assert retrieve.outputs is not None
    assert rerank.outputs is not None
    assert retrieve.outputs["count"] == 5
    assert len(retrieve.outputs["top_scores"]) == 5
    assert retrieve.outputs["top_scores"] == sorted(retrieve.outputs["top_scores"], reverse=True)
    assert {"embed", "dense", "lexical", "fuse", "features", "total"} == retrieve.outputs[
        "ms"
    ].keys()
    assert rerank.inputs == {"query": CAPITAL, "count": 5, "model": model_id}
    scores = [document.metadata["relevance_score"] for document in documents]
    assert rerank.outputs["top_scores"] == scores
    assert (rerank.outputs["count"], rerank.outputs["passing"]) == (
        2,
        3,
    )  # The prefilter dropped two.
    assert rerank.outputs["ms"].keys() == {"rerank"}
    json.dumps([retrieve.outputs, rerank.outputs])


def check_times(run: Run) -> None:
    """Check that runs follow one another and last as long as the work that they trace."""
    retrieve, rerank = run.child_runs
    moments = [run.start_time, retrieve.start_time, retrieve.end_time, rerank.start_time]
    moments += [rerank.end_time, run.end_time]
    assert None not in moments
    assert moments == sorted(moments)
    assert retrieve.outputs is not None
    assert rerank.outputs is not None
    assert _ms(retrieve) >= retrieve.outputs["ms"]["total"] * 0.95
    assert _ms(rerank) >= rerank.outputs["ms"]["rerank"] * 0.95


def _ms(run: Run) -> float:
    assert run.end_time is not None
    return (run.end_time - run.start_time).total_seconds() * 1000


async def test_child_runs_of_the_retriever(city_retriever: WikiRetriever) -> None:
    model_id = city_retriever.reranker.load_model().model_id
    with collect_runs() as collected:
        documents = city_retriever.invoke(CAPITAL, k=2)
        assert await city_retriever.ainvoke(CAPITAL, k=2) == documents
    assert len(collected.traced_runs) == 2
    for run in collected.traced_runs:
        assert run.run_type == "retriever"
        check_children(run, documents, model_id)
        check_times(run)


async def test_asynchronous_handlers(city_retriever: WikiRetriever) -> None:
    runs = Runs()
    await city_retriever.ainvoke(CAPITAL, {"callbacks": [runs]})
    assert runs.events == [
        "start wikirank.retrieve",
        "end wikirank.retrieve",
        "start wikirank.rerank",
        "end wikirank.rerank",
    ]


def test_without_reranking_there_is_one_child(city_retriever: WikiRetriever) -> None:
    chosen = {"title": "Canberra"}
    with collect_runs() as collected:
        city_retriever.invoke(CAPITAL, rerank=False, search_type="lexical", filter=chosen)
    (child,) = collected.traced_runs[0].child_runs
    assert child.name == "wikirank.retrieve"
    assert child.inputs["filter"] == chosen
    assert child.outputs is not None
    assert child.outputs["ms"].keys() == {"lexical", "fuse", "total"}


def test_the_threshold_shows(city_retriever: WikiRetriever) -> None:
    best, *_ = city_retriever.invoke(CAPITAL)
    with collect_runs() as collected:
        city_retriever.invoke(CAPITAL, score_threshold=best.metadata["relevance_score"])
    outputs = collected.traced_runs[0].child_runs[1].outputs
    assert outputs is not None
    assert outputs["passing"] == outputs["count"] < 5


async def test_an_error_ends_the_child_run(city_retriever: WikiRetriever) -> None:
    with collect_runs() as collected:
        with pytest.raises(InvalidArgumentError):
            city_retriever.invoke(" ")
        with pytest.raises(InvalidArgumentError):
            await city_retriever.ainvoke(" ")
    for run in collected.traced_runs:
        (child,) = run.child_runs
        assert "The query is empty" in str(child.error)
        assert child.end_time is not None


async def test_the_reranker_alone(reranker: WikiReranker, cities: list[Document]) -> None:
    given = {"query": CAPITAL, "documents": cities}
    with collect_runs() as collected:
        best = reranker.compress_documents(cities, CAPITAL)
        assert await reranker.acompress_documents(cities, CAPITAL) == best
        assert reranker.as_runnable().invoke(given) == best
        assert await reranker.as_runnable().ainvoke(given) == best
    alone, async_alone, step, async_step = collected.traced_runs
    for run in (alone, async_alone, *step.child_runs, *async_step.child_runs):
        assert run.name == "wikirank.rerank"
        assert run.inputs["count"] == len(cities)
        assert run.outputs is not None
        assert run.outputs["passing"] == run.outputs["count"] == len(cities)
        assert run.outputs["top_scores"] == [d.metadata["relevance_score"] for d in best]
        assert run.outputs["ms"]["rerank"] > 0


def test_the_reranker_within_another_retriever(
    city_retriever: WikiRetriever, reranker: WikiReranker
) -> None:
    outer = ContextualCompressionRetriever(base_compressor=reranker, base_retriever=city_retriever)
    with collect_runs() as collected:
        outer.invoke(CAPITAL)
    inner, rerank = collected.traced_runs[0].child_runs
    assert [child.name for child in inner.child_runs] == ["wikirank.retrieve", "wikirank.rerank"]
    assert rerank.name == "wikirank.rerank"


def test_metadata_of_the_run(city_retriever: WikiRetriever) -> None:
    with collect_runs() as collected:
        city_retriever.invoke(CAPITAL)
        city_retriever.invoke(CAPITAL, rerank=False)
    first, second = (run.metadata for run in collected.traced_runs)
    assert first["ls_retriever_name"] == "wikirank"
    assert first["ls_vector_store_provider"] == "chroma"
    assert first["ls_embedding_model"] == city_retriever.index.embedder.model_id
    assert first["reranker_model"] == "bundled"
    assert "reranker_model" not in second


def test_search_alone_makes_no_run(city_retriever: WikiRetriever) -> None:
    with collect_runs() as collected:
        city_retriever.search(CAPITAL)
    assert collected.traced_runs == []

"""A search whose candidates anyone's document compressor orders: Cohere's, a chat model, a filter.

The compressor is given the candidates as documents and decides which are left, in which order, and
what is said of them. Its score is ours only where it is one: `relevance_score`, a number in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from time import perf_counter
from typing import Any

from langchain_core.callbacks import AsyncCallbackManager, CallbackManager
from langchain_core.documents import BaseDocumentCompressor, Document

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._documents import document_of
from langchain_wikirank._tracing import (
    RERANK,
    achild_run,
    atraced_search,
    child_run,
    rerank_summary,
    traced_search,
)
from langchain_wikirank.compressor import WikiReranker
from wikirank.errors import InvalidArgumentError
from wikirank.search import SearchOptions, SearchResult
from wikirank.search.pipeline import CandidateReranker
from wikirank.types import RankedPassage

# Which candidate a document is: some compressors lose ids, none loses metadata.
_CANDIDATE = "wikirank_candidate"
_SCORE = "relevance_score"


def compressed_search(
    searcher: CandidateReranker,
    compressor: BaseDocumentCompressor,
    query: str,
    options: SearchOptions,
    callbacks: CallbackManager,
) -> SearchResult:
    """Search, and let a compressor order the candidates.

    Args:
        searcher: What searches.
        compressor: What orders.
        query: The query.
        options: How to search.
        callbacks: Who is told; the compressor's own runs stand beside the reranking.

    Returns:
        What the search found, with the passages that the compressor left, at most `k`.

    Raises:
        InvalidArgumentError: If the compressor returns what it was not given, or `score_threshold`
            is set and it gives no score.
    """
    result = traced_search(searcher, query, _first_stage_only(options), callbacks)
    documents, started = _documents(result), perf_counter()
    inner = (
        None if isinstance(compressor, WikiReranker) else callbacks
    )  # Its run would be the same.
    with child_run(callbacks, RERANK, _inputs(compressor, query, documents)) as outputs:
        left = compressor.compress_documents(documents, query, inner) if documents else []
        result = _result(searcher, result, documents, left, options, started)
        outputs.update(_outputs(result))
    return result


async def acompressed_search(
    searcher: CandidateReranker,
    compressor: BaseDocumentCompressor,
    query: str,
    options: SearchOptions,
    callbacks: AsyncCallbackManager,
) -> SearchResult:
    """Search without blocking the event loop; see `compressed_search`.

    Args:
        searcher: What searches.
        compressor: What orders.
        query: The query.
        options: How to search.
        callbacks: Who is told.

    Returns:
        What the search found, with the passages that the compressor left, at most `k`.
    """
    result = await atraced_search(searcher, query, _first_stage_only(options), callbacks)
    documents, started = _documents(result), perf_counter()
    inner = (
        None if isinstance(compressor, WikiReranker) else callbacks
    )  # Its run would be the same.
    async with achild_run(callbacks, RERANK, _inputs(compressor, query, documents)) as outputs:
        left = await compressor.acompress_documents(documents, query, inner) if documents else []
        arguments = (searcher, result, documents, left, options, started)
        result = await run_in_worker(_result, *arguments)
        outputs.update(_outputs(result))
    return result


def _first_stage_only(options: SearchOptions) -> SearchOptions:
    return options.with_changes(rerank=False, score_threshold=None, neighbours=0)


def _documents(result: SearchResult) -> list[Document]:
    documents = [document_of(candidate.passage) for candidate in result.candidates]
    for position, document in enumerate(documents):
        document.metadata.pop(_SCORE, None)  # The caller's own, which says nothing of this query.
        document.metadata[_CANDIDATE] = position
    return documents


def _inputs(
    compressor: BaseDocumentCompressor, query: str, documents: Sequence[Document]
) -> dict[str, Any]:
    return {"query": query, "count": len(documents), "model": type(compressor).__name__}


def _outputs(result: SearchResult) -> dict[str, Any]:
    scores = [passage.relevance_score for passage in result.passages]
    summary = rerank_summary(len(scores), result.passing, scores)
    return {**summary, "ms": {"rerank": result.timings["rerank"]}}


def _result(
    searcher: CandidateReranker,
    retrieved: SearchResult,
    documents: Sequence[Document],
    left: Sequence[Document],
    options: SearchOptions,
    started: float,
) -> SearchResult:
    ranked = [_ranked(document, documents, retrieved.candidates) for document in left]
    if options.score_threshold is not None:
        ranked = _above(ranked, options.score_threshold)
    passages = [replace(r, rank=rank) for rank, r in enumerate(ranked[: options.k], start=1)]
    if options.neighbours:
        passages = searcher.with_neighbours(passages, options.neighbours)
    took = (perf_counter() - started) * 1000
    timings = {**retrieved.timings, "rerank": took}
    if "total" in timings:
        timings["total"] += took
    return replace(retrieved, passages=passages, timings=timings, passing=len(ranked))


def _ranked(
    document: Document, documents: Sequence[Document], candidates: Sequence[RankedPassage]
) -> RankedPassage:
    """The candidate that a document is, with what the compressor made of it."""
    position = document.metadata.get(_CANDIDATE)
    if not isinstance(position, int) or not 0 <= position < len(documents):
        same = [
            index for index, d in enumerate(documents) if d.page_content == document.page_content
        ]
        if not same:
            msg = (
                "Expected documents from the compressor that it was given, got another one: "
                f"{document.page_content[:80]!r}. Keep the metadata of the documents."
            )
            raise InvalidArgumentError(msg)
        position = same[0]
    known = {*documents[position].metadata, _CANDIDATE, _SCORE}
    said = {key: value for key, value in document.metadata.items() if key not in known}
    candidate = candidates[position]
    metadata = {**candidate.passage.metadata, **said}
    passage = replace(candidate.passage, text=document.page_content, metadata=metadata)
    return replace(candidate, passage=passage, relevance_score=_score(document))


def _score(document: Document) -> float | None:
    score = document.metadata.get(_SCORE)
    if isinstance(score, bool) or not isinstance(score, Real):
        return None
    return float(score) if 0 <= float(score) <= 1 else None


def _above(ranked: Sequence[RankedPassage], threshold: float) -> list[RankedPassage]:
    unscored = [r for r in ranked if r.relevance_score is None]
    if unscored:
        msg = (
            "Expected relevance scores in [0, 1] to compare with score_threshold, got documents "
            "without from the compressor. Leave score_threshold out."
        )
        raise InvalidArgumentError(msg)
    return [r for r in ranked if (r.relevance_score or 0.0) >= threshold]

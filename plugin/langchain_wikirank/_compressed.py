"""A search whose candidates anyone's document compressor orders: Cohere's, a chat model, a filter.

The compressor is given the candidates as documents and decides which are left, in which order, and
what is said of them. Its score is ours only where it is one: `relevance_score`, a number in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real

from langchain_core.callbacks import AsyncCallbackManager, CallbackManager
from langchain_core.documents import BaseDocumentCompressor, Document

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._documents import document_of
from langchain_wikirank.compressor import WikiReranker
from wikirank.errors import InvalidArgumentError
from wikirank.search import Retrieved, SearchOptions, SearchResult
from wikirank.search.pipeline import CandidateReranker
from wikirank.search.steps import SearchStep, StageClock
from wikirank.types import RankedPassage

# Which candidate a document is: some compressors lose ids, none loses metadata.
_CANDIDATE = "wikirank_candidate"
_SCORE = "relevance_score"


def compressed_steps(
    searcher: CandidateReranker,
    compressor: BaseDocumentCompressor,
    query: str,
    options: SearchOptions,
    callbacks: CallbackManager | AsyncCallbackManager,
) -> Iterator[SearchStep]:
    """The steps of a search whose candidates a compressor orders.

    Args:
        searcher: What finds the candidates.
        compressor: What orders them.
        query: The query.
        options: How to search.
        callbacks: Who is told of the compressor's own runs.

    Yields:
        The steps. The second raises InvalidArgumentError if the compressor returns what it was not
        given, or `score_threshold` is set and it gives no score.
    """
    first_stage = options.with_changes(rerank=False, score_threshold=None, neighbours=0)
    first = SearchStep("retrieve", query, options, partial(searcher.retrieve, query, first_stage))
    yield first
    retrieved: Retrieved = first.outcome
    documents = _documents(retrieved)
    # The run of a reranker of ours would be the same as that of this step.
    inner = None if isinstance(compressor, WikiReranker) else callbacks

    def run() -> SearchResult:
        clock = StageClock(retrieved.timings)
        with clock.stage("rerank"):
            left = compressor.compress_documents(documents, query, inner) if documents else []
        return _result(searcher, retrieved, documents, left, options, clock)

    async def arun() -> SearchResult:
        clock = StageClock(retrieved.timings)
        with clock.stage("rerank"):
            left: Sequence[Document] = []
            if documents:
                left = await compressor.acompress_documents(documents, query, inner)
        return await run_in_worker(_result, searcher, retrieved, documents, left, options, clock)

    yield SearchStep("rerank", query, options, run, arun, retrieved, type(compressor).__name__)


def _documents(retrieved: Retrieved) -> list[Document]:
    documents = [document_of(candidate.passage) for candidate in retrieved.candidates]
    for position, document in enumerate(documents):
        document.metadata.pop(_SCORE, None)  # The caller's own, which says nothing of this query.
        document.metadata[_CANDIDATE] = position
    return documents


def _result(
    searcher: CandidateReranker,
    retrieved: Retrieved,
    documents: Sequence[Document],
    left: Sequence[Document],
    options: SearchOptions,
    clock: StageClock,
) -> SearchResult:
    ranked = [_ranked(document, documents, retrieved.candidates) for document in left]
    if options.score_threshold is not None:
        ranked = _above(ranked, options.score_threshold)
    passages = [replace(r, rank=rank) for rank, r in enumerate(ranked[: options.k], start=1)]
    if options.neighbours:
        with clock.stage("neighbours"):
            passages = searcher.with_neighbours(passages, options.neighbours)
    return retrieved.result(passages, clock.timings(), len(ranked))


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

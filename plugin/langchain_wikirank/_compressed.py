"""Search with any document compressor as reranker, such as Cohere's, a chat model or a filter.

The compressor gets the candidates as documents. It decides which to keep, their order and their
added metadata. Its `relevance_score` is used only if it is a number in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real

from langchain_core.callbacks import AsyncCallbackManager, CallbackManager
from langchain_core.documents import BaseDocumentCompressor, Document

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._documents import document_from_passage
from langchain_wikirank.compressor import WikiReranker
from wikirank.errors import InvalidArgumentError
from wikirank.search import Retrieved, SearchOptions, SearchResult
from wikirank.search.pipeline import CandidateReranker
from wikirank.search.steps import SearchStep, StageClock
from wikirank.types import RankedPassage

# Metadata key with the position of the candidate: some compressors drop ids, none drops metadata.
_CANDIDATE = "wikirank_candidate"
_SCORE = "relevance_score"


def compressed_steps(
    searcher: CandidateReranker,
    compressor: BaseDocumentCompressor,
    query: str,
    options: SearchOptions,
    callbacks: CallbackManager | AsyncCallbackManager,
) -> Iterator[SearchStep]:
    """Yield the steps of a search whose candidates a compressor reranks.

    Args:
        searcher: Retrieves the candidates.
        compressor: Selects and sorts them.
        query: The query.
        options: The search options.
        callbacks: Callbacks for the compressor's own runs.

    Yields:
        A retrieve step and a rerank step. Running the second raises InvalidArgumentError if the
        compressor returns an unknown document, or no score although `score_threshold` is set.
    """
    first_stage = options.with_changes(rerank=False, score_threshold=None, neighbours=0)
    first = SearchStep("retrieve", query, options, partial(searcher.retrieve, query, first_stage))
    yield first
    retrieved: Retrieved = first.outcome
    documents = _documents(retrieved)
    # A WikiReranker would report the same run as this step.
    inner = None if isinstance(compressor, WikiReranker) else callbacks

    def run() -> SearchResult:
        clock = StageClock(retrieved.timings)
        with clock.stage("rerank"):
            kept = compressor.compress_documents(documents, query, inner) if documents else []
        return _result(searcher, retrieved, documents, kept, options, clock)

    async def arun() -> SearchResult:
        clock = StageClock(retrieved.timings)
        with clock.stage("rerank"):
            kept: Sequence[Document] = []
            if documents:
                kept = await compressor.acompress_documents(documents, query, inner)
        return await run_in_worker(_result, searcher, retrieved, documents, kept, options, clock)

    yield SearchStep("rerank", query, options, run, arun, retrieved, type(compressor).__name__)


def _documents(retrieved: Retrieved) -> list[Document]:
    documents = [document_from_passage(candidate.passage) for candidate in retrieved.candidates]
    for position, document in enumerate(documents):
        document.metadata.pop(_SCORE, None)  # From the index, not a score for this query.
        document.metadata[_CANDIDATE] = position
    return documents


def _result(
    searcher: CandidateReranker,
    retrieved: Retrieved,
    documents: Sequence[Document],
    kept: Sequence[Document],
    options: SearchOptions,
    clock: StageClock,
) -> SearchResult:
    ranked = [_ranked(document, documents, retrieved.candidates) for document in kept]
    if options.score_threshold is not None:
        ranked = _reaching(ranked, options.score_threshold)
    passages = [replace(r, rank=rank) for rank, r in enumerate(ranked[: options.k], start=1)]
    if options.neighbours:
        with clock.stage("neighbours"):
            passages = searcher.with_neighbours(passages, options.neighbours)
    return retrieved.result(passages, clock.timings(), len(ranked))


def _ranked(
    document: Document, documents: Sequence[Document], candidates: Sequence[RankedPassage]
) -> RankedPassage:
    """Return the candidate of a document, with the text, metadata and score of the compressor."""
    position = document.metadata.get(_CANDIDATE)
    if not isinstance(position, int) or not 0 <= position < len(documents):
        texts = [original.page_content for original in documents]
        if document.page_content not in texts:
            msg = (
                "Expected the compressor to return documents that it got, got another one: "
                f"{document.page_content[:80]!r}. Keep the metadata of the documents."
            )
            raise InvalidArgumentError(msg)
        position = texts.index(document.page_content)
    own_keys = {*documents[position].metadata, _CANDIDATE, _SCORE}
    added = {key: value for key, value in document.metadata.items() if key not in own_keys}
    candidate = candidates[position]
    metadata = {**candidate.passage.metadata, **added}
    passage = replace(candidate.passage, text=document.page_content, metadata=metadata)
    return replace(candidate, passage=passage, relevance_score=_score(document))


def _score(document: Document) -> float | None:
    score = document.metadata.get(_SCORE)
    if isinstance(score, bool) or not isinstance(score, Real):
        return None
    return float(score) if 0 <= float(score) <= 1 else None


def _reaching(ranked: Sequence[RankedPassage], threshold: float) -> list[RankedPassage]:
    unscored = [r for r in ranked if r.relevance_score is None]
    if unscored:
        msg = (
            "Expected relevance scores in [0, 1] to compare with score_threshold, got none from "
            "the compressor. Omit score_threshold."
        )
        raise InvalidArgumentError(msg)
    return [r for r in ranked if (r.relevance_score or 0.0) >= threshold]

"""A document compressor that reranks with a cross-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, TypedDict

from langchain_core.callbacks import AsyncCallbackManager, CallbackManager, Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from pydantic import ConfigDict, Field
from typing_extensions import override

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._documents import scored_text
from langchain_wikirank._tracing import RERANK, achild_run, child_run, rerank_summary
from wikirank.errors import InvalidArgumentError
from wikirank.rank.load import load_cross_encoder
from wikirank.rank.protocol import PRUNED, CrossEncoder
from wikirank.rank.score import best_first, score_passages
from wikirank.types import OnTruncation


class RerankInput(TypedDict, total=False):
    """What the runnable of a reranker takes: documents, and a query under one of two names."""

    query: str
    question: str
    documents: Sequence[Document]


class WikiReranker(BaseDocumentCompressor):
    """Reranks documents with a cross-encoder and writes the scores in their metadata.

    Each document returned is a copy, best first, with `relevance_score`, a float in [0, 1], and
    `rerank_logit`, the raw score that decided the order. Documents of equal score keep their
    order. The model is loaded at first use and shared by the process.

    Example:
        ```python
        reranker = WikiReranker(top_n=3)
        best = reranker.compress_documents(documents, "Who wrote the first algorithm?")
        best[0].metadata["relevance_score"]
        ```
    """

    model_config = ConfigDict(extra="forbid")

    model: str | Path = "bundled"
    """The bundled model, a folder, or a hub id such as `cross-encoder/ms-marco-MiniLM-L6-v2`.

    A hub id, or a folder without ONNX model, needs the extra `langchain-wikirank[torch]`.
    """

    revision: str | None = None
    """Commit or tag of a model on the hub."""

    top_n: int | None = Field(default=5, ge=1)
    """How many documents to return at most; None returns all."""

    score_threshold: float | None = Field(default=None, ge=0, le=1)
    """Return only documents with `relevance_score` of at least this."""

    batch_size: int | None = Field(default=None, ge=1)
    """Pairs scored at once; None takes what is fastest for the backend."""

    max_length: int | None = Field(default=None, ge=1)
    """Longest pair of query and text, in tokens; None takes the model's own limit."""

    device: str | None = None
    """`cpu`, `cuda`, `mps`, …; None takes the CPU for an ONNX model."""

    on_truncation: OnTruncation = "window"
    """What to do with a text over the length.

    `window` scores it in overlapping windows and takes the best, `warn` cuts it with a
    `TruncationWarning`, `error` raises `TextTooLongError`.
    """

    cascade: bool = True
    """Whether a model that can may drop hopeless documents after a cheap prefilter.

    That takes a fraction of the time where `top_n` is much less than the number of documents; False
    has the model score all of them. The bundled model can; see `wikirank.rank.cascade`.
    """

    def load_model(self) -> CrossEncoder:
        """Load the model now rather than at first use.

        Returns:
            The cross-encoder, one per process and settings.

        Raises:
            ModelError: The model is missing, corrupt or of the wrong kind.
            MissingExtraError: The model needs the `[torch]` extra.
        """
        return load_cross_encoder(
            self.model,
            revision=self.revision,
            device=self.device,
            max_length=self.max_length,
            batch_size=self.batch_size,
        )

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Rerank documents by how well each answers the query.

        Args:
            documents: The documents, in any order; not changed.
            query: The question.
            callbacks: Who is told of the scoring, a run named `wikirank.rerank`.

        Returns:
            Copies of the best documents, best first, scores in their metadata.

        Raises:
            InvalidArgumentError: The query is empty.
            TextTooLongError: A text is over the length and `on_truncation` is `error`.
        """
        if not documents:
            return []
        manager = CallbackManager.configure(callbacks)
        inputs = self._run_inputs(documents, query) if manager.handlers else {}
        with child_run(manager, RERANK, inputs) as outputs:
            best, summary = self._reranked(documents, query)
            outputs.update(summary)
        return best

    @override
    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Rerank documents without blocking the event loop; see `compress_documents`.

        Args:
            documents: The documents, in any order; not changed.
            query: The question.
            callbacks: Who is told of the scoring, a run named `wikirank.rerank`.

        Returns:
            Copies of the best documents, best first, scores in their metadata.
        """
        if not documents:
            return []
        manager = AsyncCallbackManager.configure(callbacks)
        inputs = {}
        if manager.handlers:
            inputs = await run_in_worker(self._run_inputs, documents, query)
        async with achild_run(manager, RERANK, inputs) as outputs:
            best, summary = await run_in_worker(self._reranked, documents, query)
            outputs.update(summary)
        return best

    def as_runnable(self) -> Runnable[RerankInput, list[Document]]:
        """This reranker as a step of a chain.

        Returns:
            A runnable, sync and async, from `{"query": …, "documents": …}` or
            `{"question": …, "documents": …}` to the reranked documents.
        """

        def rerank(given: RerankInput, config: RunnableConfig) -> list[Document]:
            return self.compress_documents(*_rerank_arguments(given), config.get("callbacks"))

        async def arerank(given: RerankInput, config: RunnableConfig) -> list[Document]:
            arguments = _rerank_arguments(given)
            return await self.acompress_documents(*arguments, config.get("callbacks"))

        return RunnableLambda(rerank, arerank, name="WikiReranker")

    def _run_inputs(self, documents: Sequence[Document], query: str) -> dict[str, Any]:
        return {"query": query, "count": len(documents), "model": self.load_model().model_id}

    def _reranked(
        self, documents: Sequence[Document], query: str
    ) -> tuple[list[Document], dict[str, Any]]:
        """The best documents, and what a tracer is told of them."""
        started = perf_counter()
        model = self.load_model()
        texts = [
            scored_text(document, prepend_heading=model.prepend_heading) for document in documents
        ]
        wanted = self.top_n if self.cascade else None
        logits = score_passages(model, query, texts, on_truncation=self.on_truncation, top_n=wanted)
        relevance = model.calibration.relevance(logits)
        threshold = 0.0 if self.score_threshold is None else self.score_threshold
        passes = (relevance >= threshold) & (logits > PRUNED)
        passing = [position for position in best_first(logits) if passes[position]]
        kept = passing[: self.top_n]
        best = [
            _scored(documents[index], float(relevance[index]), float(logits[index]))
            for index in kept
        ]
        summary = rerank_summary(
            len(kept), len(passing), [float(relevance[index]) for index in kept]
        )
        return best, {**summary, "ms": {"rerank": (perf_counter() - started) * 1000}}


def _scored(document: Document, relevance: float, logit: float) -> Document:
    scores = {"relevance_score": relevance, "rerank_logit": logit}
    return document.model_copy(update={"metadata": {**document.metadata, **scores}})


def _rerank_arguments(given: RerankInput) -> tuple[Sequence[Document], str]:
    query = given.get("query", given.get("question"))
    if query is None or "documents" not in given:
        msg = (
            "Expected {'query': …, 'documents': …} or {'question': …, 'documents': …}, "
            f"got the keys {sorted(given)}."
        )
        raise InvalidArgumentError(msg)
    return given["documents"], query

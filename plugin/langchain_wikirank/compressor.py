"""A document compressor that reranks with a cross-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, TypeAlias, TypedDict

import numpy as np
from langchain_core.callbacks import AsyncCallbackManager, CallbackManager, Callbacks
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from pydantic import ConfigDict, Field, PlainSerializer, WithJsonSchema
from typing_extensions import override

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._documents import scored_text
from langchain_wikirank._tracing import RERANK, achild_run, child_run, rerank_summary
from wikirank.errors import InvalidArgumentError
from wikirank.rank.load import load_cross_encoder
from wikirank.rank.protocol import CrossEncoder
from wikirank.rank.score import RankedTexts, best_first, rank_texts
from wikirank.runtime.tokens import check_text
from wikirank.settings import RerankSettings

_CrossEncoderField: TypeAlias = Annotated[
    BaseCrossEncoder,
    PlainSerializer(lambda model: type(model).__name__, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "A cross-encoder that was given."}),
]


class RerankInput(TypedDict, total=False):
    """What the runnable of a reranker takes: documents, and a query under one of two names."""

    query: str
    question: str
    documents: Sequence[Document]


class WikiReranker(RerankSettings, BaseDocumentCompressor, BaseCrossEncoder):
    """Reranks documents with a cross-encoder and writes the scores in their metadata.

    Each document returned is a copy, best first, with `relevance_score`, a float in [0, 1], and
    `rerank_logit`, the cross-encoder's raw score. Documents of equal score keep their order. The
    models are loaded at first use and shared by the process.

    It is a `BaseCrossEncoder` too, for rerankers of LangChain that take one.

    Example:
        ```python
        reranker = WikiReranker(top_n=3)
        best = reranker.compress_documents(documents, "Who wrote the first algorithm?")
        best[0].metadata["relevance_score"]
        ```
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", use_attribute_docstrings=True
    )

    model: str | Path | _CrossEncoderField = "bundled"
    """The bundled model, a folder, or a hub id such as `cross-encoder/ms-marco-MiniLM-L6-v2`.

    Or any `BaseCrossEncoder`, such as `HuggingFaceCrossEncoder`: its scores decide the order as
    they are. They are written as `relevance_score` where all lie in [0, 1], else as `rerank_logit`.
    `batch_size`, `max_length`, `device`, `on_truncation` and `cascade` are then for it to know.

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

    interpolate: bool = True
    """Whether the cosine similarity of query and text, by the bundled embedder, counts beside the
    cross-encoder's logit, in models that learned how, as the bundled one.

    Together they rank people's questions better than either. The embedder reads the texts that the
    prefilter left, which takes about as long as to score those.
    """

    @property
    def model_name(self) -> str:
        """The name of the model, or the class of one that was given."""
        is_given = isinstance(self.model, BaseCrossEncoder)
        return type(self.model).__name__ if is_given else str(self.model)

    def load_model(self) -> CrossEncoder:
        """Load the model now rather than at first use.

        Returns:
            The cross-encoder, one per process and settings.

        Raises:
            ModelError: If the model is missing, corrupt or of the wrong kind.
            MissingExtraError: If the model needs the `[torch]` extra.
        """
        if isinstance(self.model, BaseCrossEncoder):
            msg = f"Expected a model to load by its name, got a {self.model_name}. Call its score."
            raise InvalidArgumentError(msg)
        return load_cross_encoder(
            self.model,
            revision=self.revision,
            device=self.device,
            max_length=self.max_length,
            batch_size=self.batch_size,
        )

    @override
    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        """Score pairs, as a cross-encoder of LangChain.

        Args:
            text_pairs: Pairs of query and text.

        Returns:
            The relevance score of each, in [0, 1]; of a `BaseCrossEncoder` as `model`, its score.
        """
        if isinstance(self.model, BaseCrossEncoder):
            return [float(score) for score in self.model.score(text_pairs)]
        model = self.load_model()
        scores: list[float] = []
        for query, pairs in groupby(text_pairs, key=itemgetter(0)):
            texts = [text for _, text in pairs]
            scores.extend(self._ranked(model, query, texts).relevance_scores.tolist())
        return scores

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
            InvalidArgumentError: If the query is empty.
            TextTooLongError: If a text is over the length and `on_truncation` is `error`.
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

        def rerank(inputs: RerankInput, config: RunnableConfig) -> list[Document]:
            return self.compress_documents(*_rerank_arguments(inputs), config.get("callbacks"))

        async def arerank(inputs: RerankInput, config: RunnableConfig) -> list[Document]:
            arguments = _rerank_arguments(inputs)
            return await self.acompress_documents(*arguments, config.get("callbacks"))

        return RunnableLambda(rerank, arerank, name="WikiReranker")

    def _run_inputs(self, documents: Sequence[Document], query: str) -> dict[str, Any]:
        is_given = isinstance(self.model, BaseCrossEncoder)
        name = self.model_name if is_given else self.load_model().model_id
        return {"query": query, "count": len(documents), "model": name}

    def _reranked(
        self, documents: Sequence[Document], query: str
    ) -> tuple[list[Document], dict[str, Any]]:
        """The best documents, and what a tracer is told of them."""
        started = perf_counter()
        best, passing = (
            self._reranked_by(self.model, documents, query)
            if isinstance(self.model, BaseCrossEncoder)
            else self._reranked_by_name(documents, query)
        )
        scores = [document.metadata.get("relevance_score") for document in best]
        summary = rerank_summary(len(best), passing, scores)
        return best, {**summary, "ms": {"rerank": (perf_counter() - started) * 1000}}

    def _reranked_by(
        self, cross_encoder: BaseCrossEncoder, documents: Sequence[Document], query: str
    ) -> tuple[list[Document], int]:
        """The best documents by a cross-encoder that was given, and how many passed."""
        check_text(query, what="query")
        pairs = [(query, document.page_content) for document in documents]
        scores = np.array([float(score) for score in cross_encoder.score(pairs)])
        is_relevance = bool(((scores >= 0) & (scores <= 1)).all())
        if self.score_threshold is not None and not is_relevance:
            msg = (
                "Expected scores in [0, 1] to compare with score_threshold, got others from "
                f"{self.model_name}. Leave score_threshold out."
            )
            raise InvalidArgumentError(msg)
        name = "relevance_score" if is_relevance else "rerank_logit"
        least = -np.inf if self.score_threshold is None else self.score_threshold
        passing = [index for index in best_first(scores) if scores[index] >= least]
        best = [
            _with(documents[index], {name: float(scores[index])}) for index in passing[: self.top_n]
        ]
        return best, len(passing)

    def _reranked_by_name(
        self, documents: Sequence[Document], query: str
    ) -> tuple[list[Document], int]:
        """The best documents by the model that `model` names, and how many passed."""
        model = self.load_model()
        texts = [
            scored_text(document, prepend_heading=model.prepend_heading) for document in documents
        ]
        ranked = self._ranked(model, query, texts, self.top_n if self.cascade else None)
        relevance = ranked.relevance_scores
        threshold = 0.0 if self.score_threshold is None else self.score_threshold
        passing = [index for index in ranked.order if relevance[index] >= threshold]
        best = [
            _with(
                documents[index],
                {
                    "relevance_score": float(relevance[index]),
                    "rerank_logit": float(ranked.logits[index]),
                },
            )
            for index in passing[: self.top_n]
        ]
        return best, len(passing)

    def _ranked(
        self, model: CrossEncoder, query: str, texts: Sequence[str], top_n: int | None = None
    ) -> RankedTexts:
        return rank_texts(
            model,
            query,
            texts,
            on_truncation=self.on_truncation,
            top_n=top_n,
            interpolate=self.interpolate,
        )


def _with(document: Document, scores: dict[str, float]) -> Document:
    return document.model_copy(update={"metadata": {**document.metadata, **scores}})


def _rerank_arguments(inputs: RerankInput) -> tuple[Sequence[Document], str]:
    query = inputs.get("query", inputs.get("question"))
    if query is None or "documents" not in inputs:
        msg = (
            "Expected {'query': …, 'documents': …} or {'question': …, 'documents': …}, "
            f"got the keys {sorted(inputs)}."
        )
        raise InvalidArgumentError(msg)
    return inputs["documents"], query

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
    WithJsonSchema({"type": "string", "description": "Class of a cross-encoder object."}),
]


class RerankInput(TypedDict, total=False):
    """Input of `WikiReranker.as_runnable`: documents, and the query under either key."""

    query: str
    question: str
    documents: Sequence[Document]


class WikiReranker(RerankSettings, BaseDocumentCompressor, BaseCrossEncoder):
    """Rerank documents with a cross-encoder and write the scores to their metadata.

    Returns copies of the documents, best first. Each has `relevance_score`, a float in [0, 1], and
    `rerank_logit`, the raw score of the cross-encoder. Documents with equal scores keep their
    order. Models are loaded at first use and shared within the process.

    `WikiReranker` is also a `BaseCrossEncoder`, so LangChain rerankers that need one accept it.

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
    """`bundled`, a model folder, or a hub id such as `cross-encoder/ms-marco-MiniLM-L6-v2`.

    A hub id, or a folder without an ONNX model, needs the extra `langchain-wikirank[torch]`.

    Also accepts any `BaseCrossEncoder` object, such as `HuggingFaceCrossEncoder`. Documents are
    then sorted by its scores, unchanged. The scores are written to `relevance_score` if all of them
    are in [0, 1], otherwise to `rerank_logit`. `batch_size`, `max_length`, `device`,
    `on_truncation` and `cascade` have no effect on such an object.
    """

    revision: str | None = None
    """Commit, tag or branch, for a hub id only; None for the main branch."""

    top_n: int | None = Field(default=5, ge=1)
    """Maximum number of documents to return; None returns all."""

    score_threshold: float | None = Field(default=None, ge=0, le=1)
    """Minimum `relevance_score` of a document to be returned, in [0, 1]; None keeps all."""

    batch_size: int | None = Field(default=None, ge=1)
    """Number of pairs to score at once; None uses the fastest size for the backend."""

    max_length: int | None = Field(default=None, ge=1)
    """Maximum length of query and text together, in tokens; None uses the limit of the model."""

    device: str | None = None
    """Device such as `cpu`, `cuda` or `mps`; None runs an ONNX model on the CPU."""

    interpolate: bool = True
    """Whether to combine the cross-encoder's logit with the bundled embedder's cosine similarity.

    This affects only models with learned weights for it, such as the bundled one. The combination
    ranks human questions better than either score alone. The embedder reads the texts that pass the
    prefilter, which takes about as long as scoring them.
    """

    @property
    def model_name(self) -> str:
        """The `model` as a string, or the class name if it is an object."""
        is_object = isinstance(self.model, BaseCrossEncoder)
        return type(self.model).__name__ if is_object else str(self.model)

    def load_model(self) -> CrossEncoder:
        """Load the model now instead of at first use.

        Returns:
            The cross-encoder, shared by all rerankers of this process with the same settings.

        Raises:
            InvalidArgumentError: If `model` is a `BaseCrossEncoder` object.
            ModelError: If the model is missing, corrupt or of the wrong kind.
            MissingExtraError: If the model needs the `[torch]` extra.
        """
        if isinstance(self.model, BaseCrossEncoder):
            msg = (
                f"Expected the name or folder of a model, got a {self.model_name} object. "
                "Call its score method instead."
            )
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
        """Score pairs of query and text; the method of LangChain's `BaseCrossEncoder`.

        Args:
            text_pairs: Pairs of (query, text).

        Returns:
            One relevance score in [0, 1] per pair, or the unchanged scores of `model` if it is a
            `BaseCrossEncoder` object.
        """
        if isinstance(self.model, BaseCrossEncoder):
            return [float(score) for score in self.model.score(text_pairs)]
        model = self.load_model()
        scores: list[float] = []
        for query, pairs in groupby(text_pairs, key=itemgetter(0)):
            texts = [text for _, text in pairs]
            scores.extend(self._rank(model, query, texts).relevance_scores.tolist())
        return scores

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Rerank documents by how well they answer the query.

        Args:
            documents: Documents in any order. They are not changed.
            query: The question, not empty.
            callbacks: LangChain callbacks, which get a child run named `wikirank.rerank`.

        Returns:
            Copies of the best documents, best first, with scores in their metadata.

        Raises:
            InvalidArgumentError: If the query is empty, or `score_threshold` is set and the scores
                of a `BaseCrossEncoder` object are not in [0, 1].
            TextTooLongError: If a text is too long and `on_truncation` is `error`.
        """
        if not documents:
            return []
        manager = CallbackManager.configure(callbacks)
        inputs = self._run_inputs(documents, query) if manager.handlers else {}
        with child_run(manager, RERANK, inputs) as outputs:
            best, summary = self._rerank(documents, query)
            outputs.update(summary)
        return best

    @override
    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Rerank documents without blocking the event loop; see `compress_documents`.

        Args:
            documents: Documents in any order. They are not changed.
            query: The question, not empty.
            callbacks: LangChain callbacks, which get a child run named `wikirank.rerank`.

        Returns:
            Copies of the best documents, best first, with scores in their metadata.
        """
        if not documents:
            return []
        manager = AsyncCallbackManager.configure(callbacks)
        inputs = {}
        if manager.handlers:
            inputs = await run_in_worker(self._run_inputs, documents, query)
        async with achild_run(manager, RERANK, inputs) as outputs:
            best, summary = await run_in_worker(self._rerank, documents, query)
            outputs.update(summary)
        return best

    def as_runnable(self) -> Runnable[RerankInput, list[Document]]:
        """Return this reranker as a step for a chain.

        Returns:
            A sync and async runnable that takes `{"query": …, "documents": …}` or
            `{"question": …, "documents": …}` and returns the reranked documents.
        """

        def rerank(inputs: RerankInput, config: RunnableConfig) -> list[Document]:
            return self.compress_documents(*_rerank_arguments(inputs), config.get("callbacks"))

        async def arerank(inputs: RerankInput, config: RunnableConfig) -> list[Document]:
            arguments = _rerank_arguments(inputs)
            return await self.acompress_documents(*arguments, config.get("callbacks"))

        return RunnableLambda(rerank, arerank, name="WikiReranker")

    def _run_inputs(self, documents: Sequence[Document], query: str) -> dict[str, Any]:
        is_object = isinstance(self.model, BaseCrossEncoder)
        name = self.model_name if is_object else self.load_model().model_id
        return {"query": query, "count": len(documents), "model": name}

    def _rerank(
        self, documents: Sequence[Document], query: str
    ) -> tuple[list[Document], dict[str, Any]]:
        """Return the best documents and the outputs of the traced run."""
        started = perf_counter()
        best, passing = (
            self._rerank_with_cross_encoder(self.model, documents, query)
            if isinstance(self.model, BaseCrossEncoder)
            else self._rerank_with_model(documents, query)
        )
        scores = [document.metadata.get("relevance_score") for document in best]
        summary = rerank_summary(len(best), passing, scores)
        return best, {**summary, "ms": {"rerank": (perf_counter() - started) * 1000}}

    def _rerank_with_cross_encoder(
        self, cross_encoder: BaseCrossEncoder, documents: Sequence[Document], query: str
    ) -> tuple[list[Document], int]:
        """Return the best documents by a LangChain cross-encoder, and how many passed."""
        check_text(query, what="query")
        pairs = [(query, document.page_content) for document in documents]
        scores = np.array([float(score) for score in cross_encoder.score(pairs)])
        is_relevance = bool(((scores >= 0) & (scores <= 1)).all())
        if self.score_threshold is not None and not is_relevance:
            msg = (
                "Expected scores in [0, 1] to compare with score_threshold, got others from "
                f"{self.model_name}. Omit score_threshold."
            )
            raise InvalidArgumentError(msg)
        name = "relevance_score" if is_relevance else "rerank_logit"
        threshold = -np.inf if self.score_threshold is None else self.score_threshold
        passing = [index for index in best_first(scores) if scores[index] >= threshold]
        best = [
            _with_scores(documents[index], {name: float(scores[index])})
            for index in passing[: self.top_n]
        ]
        return best, len(passing)

    def _rerank_with_model(
        self, documents: Sequence[Document], query: str
    ) -> tuple[list[Document], int]:
        """Return the best documents by the loaded model, and how many passed."""
        model = self.load_model()
        texts = [
            scored_text(document, prepend_heading=model.prepend_heading) for document in documents
        ]
        ranked = self._rank(model, query, texts, self.top_n if self.cascade else None)
        relevance = ranked.relevance_scores
        threshold = 0.0 if self.score_threshold is None else self.score_threshold
        passing = [index for index in ranked.order if relevance[index] >= threshold]
        best = [
            _with_scores(
                documents[index],
                {
                    "relevance_score": float(relevance[index]),
                    "rerank_logit": float(ranked.logits[index]),
                },
            )
            for index in passing[: self.top_n]
        ]
        return best, len(passing)

    def _rank(
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


def _with_scores(document: Document, scores: dict[str, float]) -> Document:
    return document.model_copy(update={"metadata": {**document.metadata, **scores}})


def _rerank_arguments(inputs: RerankInput) -> tuple[Sequence[Document], str]:
    query = inputs.get("query", inputs.get("question"))
    if query is None or "documents" not in inputs:
        msg = (
            "Expected {'query': …, 'documents': …} or {'question': …, 'documents': …}, "
            f"got the keys {sorted(inputs)}. Pass documents and one of the two keys."
        )
        raise InvalidArgumentError(msg)
    return inputs["documents"], query

"""Base class of the retrievers: settings, and running and tracing a search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForRetrieverRun,
    CallbackManager,
    CallbackManagerForRetrieverRun,
)
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from pydantic import BeforeValidator, ConfigDict, Field, SerializeAsAny
from typing_extensions import override

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._compressed import compressed_steps
from langchain_wikirank._documents import document_from_ranked
from langchain_wikirank._retriever_settings import WikiTracingParams, check_question
from langchain_wikirank._tracing import atraced_step, record_search, traced_step
from langchain_wikirank.compressor import WikiReranker
from wikirank.rank import CrossEncoder
from wikirank.search import SearchOptions, SearchResult
from wikirank.search.pipeline import CandidateReranker
from wikirank.search.reader import PageReader
from wikirank.search.steps import SearchStep, arun_steps, run_steps
from wikirank.settings import RerankSettings, SearchSettings


def _to_reranker(reranker: Any) -> Any:
    """Make a `WikiReranker` from a dictionary of its settings, as read from JSON."""
    return WikiReranker.model_validate(reranker) if isinstance(reranker, dict) else reranker


class BaseWikiRetriever(SearchSettings, BaseRetriever):
    """Retrieve and rerank passages; the base of `WikiRetriever` and `LiveWikiRetriever`."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", use_attribute_docstrings=True
    )

    reranker: Annotated[SerializeAsAny[BaseDocumentCompressor], BeforeValidator(_to_reranker)] = (
        Field(default_factory=WikiReranker)
    )
    """A `WikiReranker` with the cross-encoder and its settings.

    Its `top_n` is ignored in favour of `k`. Its `score_threshold` applies if the retriever has
    none.

    Also accepts any other document compressor, such as `CohereRerank`. It gets the candidates and
    decides which to return, within its own limits and `k`. Its `relevance_score` is kept only if it
    is in [0, 1]."""

    def search(self, query: str, **overrides: Any) -> SearchResult:
        """Search and return the full result of the engine instead of documents.

        Args:
            query: The question, not empty.
            **overrides: Search settings for this call, such as `k` or `filter`.

        Returns:
            The passages, the candidates before reranking, and the milliseconds of each stage.

        Raises:
            InvalidArgumentError: If the query is empty, or a setting is unknown or out of range.
        """
        return self._search(query, overrides, CallbackManager([]))

    async def asearch(self, query: str, **overrides: Any) -> SearchResult:
        """Search without blocking the event loop; see `search`."""
        return await self._asearch(query, overrides, AsyncCallbackManager([]))

    @override
    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        **overrides: Any,
    ) -> list[Document]:
        # Some tracers are set by context, not inherited: configure finds them.
        callbacks = CallbackManager.configure(run_manager.get_child())
        result = self._search(query, overrides, callbacks)
        return [document_from_ranked(ranked) for ranked in result.passages]

    @override
    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        **overrides: Any,
    ) -> list[Document]:
        callbacks = AsyncCallbackManager.configure(run_manager.get_child())
        result = await self._asearch(query, overrides, callbacks)
        return [document_from_ranked(ranked) for ranked in result.passages]

    @override
    def _get_ls_params(self, **kwargs: Any) -> WikiTracingParams:
        params = WikiTracingParams(ls_retriever_name="wikirank")
        rerank = kwargs.get("rerank")
        if self.rerank if rerank is None else rerank:
            reranker = self._engine_reranker or self.reranker
            params["reranker_model"] = (
                reranker.model_name
                if isinstance(reranker, WikiReranker)
                else type(reranker).__name__
            )
        return params

    def _search(
        self, query: str, overrides: Mapping[str, Any], callbacks: CallbackManager
    ) -> SearchResult:
        steps = self._steps(query, overrides, callbacks)
        result = run_steps(steps, partial(traced_step, callbacks))
        record_search(result)
        return result

    async def _asearch(
        self, query: str, overrides: Mapping[str, Any], callbacks: AsyncCallbackManager
    ) -> SearchResult:
        steps = await run_in_worker(self._steps, query, overrides, callbacks)
        result = await arun_steps(steps, partial(atraced_step, callbacks), run_in_worker)
        record_search(result)
        return result

    def _steps(
        self,
        query: str,
        overrides: Mapping[str, Any],
        callbacks: CallbackManager | AsyncCallbackManager,
    ) -> Iterator[SearchStep]:
        """Load the models and return the steps of a search."""
        check_question(query)
        options = self._options(overrides)
        reranker = self._engine_reranker if options.rerank else None
        searcher = self._searcher(reranker.load_model() if reranker else None)
        if options.rerank and reranker is None:
            return compressed_steps(searcher, self._compressor, query, options, callbacks)
        return searcher.steps(query, options)

    @property
    def _engine_reranker(self) -> WikiReranker | None:
        """The reranker if the engine can load its model, otherwise None.

        None means that the reranker gets the candidates as documents.
        """
        reranker = self.reranker
        if isinstance(reranker, WikiReranker) and not isinstance(reranker.model, BaseCrossEncoder):
            return reranker
        return None

    @property
    def _compressor(self) -> BaseDocumentCompressor:
        """The reranker of documents, without the `top_n` of a `WikiReranker`."""
        if isinstance(self.reranker, WikiReranker):
            return self.reranker.model_copy(update={"top_n": None})
        return self.reranker

    def warm_up(self) -> None:
        """Load the models now, so that the first question does not wait for them."""
        reranker = self._engine_reranker
        self._searcher(reranker.load_model() if reranker else None).warm_up()

    @property
    @abstractmethod
    def reader(self) -> PageReader:
        """Gives access to whole pages of the wiki, as the tools need it."""

    @abstractmethod
    def _searcher(self, cross_encoder: CrossEncoder | None) -> CandidateReranker:
        """Return the engine's searcher, which reranks if it has a cross-encoder."""

    def _options(self, overrides: Mapping[str, Any]) -> SearchOptions:
        """Merge the settings of the reranker, the retriever and this call; the later ones win."""
        settings = {name: getattr(self, name) for name in SearchSettings.model_fields}
        reranker = self._engine_reranker
        if reranker:
            settings |= {name: getattr(reranker, name) for name in RerankSettings.model_fields}
        settings.update((name, value) for name, value in overrides.items() if value is not None)
        if reranker and settings["rerank"] and settings["score_threshold"] is None:
            settings["score_threshold"] = reranker.score_threshold
        return SearchOptions(**settings)

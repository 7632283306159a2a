"""What the retrievers share: the settings of a search, and how it is run and traced."""

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
from langchain_wikirank._documents import document_from
from langchain_wikirank._retriever_settings import WikiTracingParams, require_question
from langchain_wikirank._tracing import atraced_step, record_search, traced_step
from langchain_wikirank.compressor import WikiReranker
from wikirank.rank import CrossEncoder
from wikirank.search import SearchOptions, SearchResult
from wikirank.search.pipeline import CandidateReranker
from wikirank.search.reader import PageReader
from wikirank.search.steps import SearchStep, arun_steps, run_steps
from wikirank.settings import RerankSettings, SearchSettings


def _as_reranker(reranker: Any) -> Any:
    """The settings of a reranker of ours, as JSON holds them, as the reranker."""
    return WikiReranker.model_validate(reranker) if isinstance(reranker, dict) else reranker


class BaseWikiRetriever(SearchSettings, BaseRetriever):
    """A retriever whose candidates are reranked; see `WikiRetriever` and `LiveWikiRetriever`."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", use_attribute_docstrings=True
    )

    reranker: Annotated[SerializeAsAny[BaseDocumentCompressor], BeforeValidator(_as_reranker)] = (
        Field(default_factory=WikiReranker)
    )
    """Gives the cross-encoder and its settings. Its `top_n` has no part here: `k` decides.

    Its `score_threshold` holds where the retriever has none.

    Or any other document compressor, such as `CohereRerank`, which is given the candidates and
    decides what is left, its own limits included. `relevance_score` is then its score if that lies
    in [0, 1], and else absent."""

    def search(self, query: str, **overrides: Any) -> SearchResult:
        """Search with everything the engine knows: candidates of all stages and timings.

        Args:
            query: The question.
            **overrides: Settings for this call.

        Returns:
            The passages, the candidates before reranking, and milliseconds by stage.

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
        # Configured anew, as any child is: some tracers are not inherited but set by context.
        callbacks = CallbackManager.configure(run_manager.get_child())
        result = self._search(query, overrides, callbacks)
        return [document_from(ranked) for ranked in result.passages]

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
        return [document_from(ranked) for ranked in result.passages]

    @override
    def _get_ls_params(self, **kwargs: Any) -> WikiTracingParams:
        params = WikiTracingParams(ls_retriever_name="wikirank")
        rerank = kwargs.get("rerank")
        if self.rerank if rerank is None else rerank:
            own = self._named_model or self.reranker
            params["reranker_model"] = (
                own.model_name if isinstance(own, WikiReranker) else type(own).__name__
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
        """The steps of a search, the models loaded."""
        require_question(query)
        options = self._options(overrides)
        named = self._named_model if options.rerank else None
        searcher = self._over(named.load_model() if named else None)
        if options.rerank and named is None:
            return compressed_steps(searcher, self._compressor, query, options, callbacks)
        return searcher.steps(query, options)

    @property
    def _named_model(self) -> WikiReranker | None:
        """The reranker, if its model is one of the engine's; None has it order documents."""
        own = self.reranker
        if isinstance(own, WikiReranker) and not isinstance(own.model, BaseCrossEncoder):
            return own
        return None

    @property
    def _compressor(self) -> BaseDocumentCompressor:
        """What orders documents; of ours `k` decides how many are left."""
        is_ours = isinstance(self.reranker, WikiReranker)
        return self.reranker.model_copy(update={"top_n": None}) if is_ours else self.reranker

    def warm_up(self) -> None:
        """Load the models that the first question would wait for."""
        named = self._named_model
        self._over(named.load_model() if named else None).warm_up()

    @property
    @abstractmethod
    def reader(self) -> PageReader:
        """The wiki's pages by name, as tools read them."""

    @abstractmethod
    def _over(self, cross_encoder: CrossEncoder | None) -> CandidateReranker:
        """What searches."""

    def _options(self, overrides: Mapping[str, Any]) -> SearchOptions:
        """The engine's options: this call's settings over the retriever's over the reranker's."""
        chosen = {name: getattr(self, name) for name in SearchSettings.model_fields}
        named = self._named_model
        if named:
            chosen |= {name: getattr(named, name) for name in RerankSettings.model_fields}
        chosen.update((name, value) for name, value in overrides.items() if value is not None)
        if named and chosen["rerank"] and chosen["score_threshold"] is None:
            chosen["score_threshold"] = named.score_threshold
        return SearchOptions(**chosen)

"""A retriever over a wiki index: candidates from Chroma and BM25, reranked, cited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForRetrieverRun,
    CallbackManager,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever, LangSmithRetrieverParams
from pydantic import BeforeValidator, ConfigDict, Field
from typing_extensions import Self, Unpack, override

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._documents import document_from, documents_of_texts, passages_from
from langchain_wikirank._tracing import atraced_search, record_search, traced_search
from langchain_wikirank.compressor import WikiReranker
from langchain_wikirank.embeddings import embedder_from
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions, SearchResult
from wikirank.types import SearchType

if TYPE_CHECKING:
    from chromadb.api import ClientAPI


class SearchOverrides(TypedDict, total=False):
    """What one call may set otherwise than its retriever; None keeps the retriever's value."""

    k: int | None
    fetch_k: int | None
    search_type: SearchType | None
    rerank: bool | None
    score_threshold: float | None
    filter: Mapping[str, Any] | None
    neighbours: int | None


class WikiTracingParams(LangSmithRetrieverParams, total=False):
    """What tracers are told of a retriever run, in the run's metadata.

    Attributes:
        reranker_model: The reranker's `model`, where the search reranks.
    """

    reranker_model: str


def _opened(index: Any) -> Any:
    return WikiIndex.open(index) if isinstance(index, (str, Path)) else index


class WikiRetriever(BaseRetriever):
    """Finds the passages of a wiki index that answer a question, best first.

    Each document carries its citation (`title`, `section`, `url`, `revision`, `source`,
    `passage_number`), the score of each stage that saw it (`dense_score`, `lexical_score`,
    `fusion_score`, `rerank_logit`, `relevance_score`), and `rank_before` and `rank`.

    Any search setting may also be given for one call: `retriever.invoke(question, k=3)`.

    Example:
        ```python
        retriever = WikiRetriever.from_index("wiki-index", k=3)
        for document in retriever.invoke("Who wrote the first algorithm?"):
            print(document.metadata["title"], document.metadata["relevance_score"])
        ```
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    index: Annotated[WikiIndex, BeforeValidator(_opened)]
    """The index to search, or the folder of one."""

    reranker: WikiReranker = Field(default_factory=WikiReranker)
    """Gives the cross-encoder and its settings. Its `top_n` has no part here: `k` decides."""

    rerank: bool = True
    """Whether the cross-encoder orders the candidates, in hybrid search together with the first
    stage's scores if the model has learned how; False leaves the first stage's order."""

    k: int = Field(default=5, ge=1)
    """How many documents to return at most."""

    fetch_k: int = Field(default=50, ge=1)
    """How many candidates to rerank; at least `k` are taken."""

    search_type: SearchType = "hybrid"
    """Where candidates come from: vectors, words (BM25), or both, fused by reciprocal rank."""

    score_threshold: float | None = Field(default=None, ge=0, le=1)
    """Return only documents with `relevance_score` of at least this; needs `rerank`.

    None takes the reranker's threshold.
    """

    filter: dict[str, Any] | None = None
    """Metadata that documents must have, in Chroma's language; all of several keys must hold."""

    neighbours: int = Field(default=0, ge=0)
    """How many passages before and after each one in its section to join to its text."""

    @classmethod
    def from_index(cls, path: str | Path, **settings: Any) -> Self:
        """Open an index on disk.

        Args:
            path: The folder of the index.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            IndexNotFoundError: There is no index at the path.
            IndexMismatchError: The index was made by another embedder.
        """
        return cls(index=WikiIndex.open(path), **settings)

    @classmethod
    def from_client(
        cls,
        chroma_client: ClientAPI,
        collection_name: str = "wikirank",
        embeddings: Embeddings | None = None,
        **settings: Any,
    ) -> Self:
        """Search a collection of a Chroma client: embedded, on a server, or in the cloud.

        Args:
            chroma_client: The client.
            collection_name: The collection.
            embeddings: What the collection was embedded with; None means `WikiEmbeddings`.
            **settings: Fields of the retriever.

        Returns:
            The retriever.
        """
        embedder = None if embeddings is None else embedder_from(embeddings)
        index = WikiIndex.from_chroma(chroma_client, collection_name, embedder=embedder)
        return cls(index=index, **settings)

    @classmethod
    def from_documents(
        cls, documents: Iterable[Document], *, path: str | Path | None = None, **settings: Any
    ) -> Self:
        """Index documents and search them; each is one passage as it is.

        Args:
            documents: The documents; `title`, `section` and `url` of their metadata are cited.
            path: The folder to keep the index in, with what it holds already; None keeps it
                in a temporary folder as long as the retriever lives.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: Two documents have one id, or metadata is not JSON.
        """
        index = WikiIndex.create() if path is None else WikiIndex.open_or_create(path)
        retriever = cls(index=index, **settings)
        index.add_passages(passages_from(documents))
        return retriever

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        metadatas: Sequence[Mapping[str, Any]] | None = None,
        ids: Sequence[str] | None = None,
        *,
        path: str | Path | None = None,
        **settings: Any,
    ) -> Self:
        """Index texts and search them; each is one passage as it is.

        Args:
            texts: The texts.
            metadatas: The metadata of each; None gives them none.
            ids: The id of each; None makes ids from the content.
            path: The folder to keep the index in, as in `from_documents`.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: There are not as many metadatas or ids as texts.
        """
        return cls.from_documents(documents_of_texts(texts, metadatas, ids), path=path, **settings)

    def search(self, query: str, **overrides: Unpack[SearchOverrides]) -> SearchResult:
        """Search with everything the engine knows: candidates of all stages and timings.

        Args:
            query: The question.
            **overrides: Settings for this call.

        Returns:
            The passages, the candidates before reranking, and milliseconds by stage.

        Raises:
            InvalidArgumentError: The query is empty, or a setting is unknown or out of range.
        """
        return self._search(query, overrides, CallbackManager([]))

    async def asearch(self, query: str, **overrides: Unpack[SearchOverrides]) -> SearchResult:
        """Search without blocking the event loop; see `search`.

        Args:
            query: The question.
            **overrides: Settings for this call.

        Returns:
            The passages, the candidates before reranking, and milliseconds by stage.
        """
        return await self._asearch(query, overrides, AsyncCallbackManager([]))

    @override
    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        **overrides: Unpack[SearchOverrides],
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
        **overrides: Unpack[SearchOverrides],
    ) -> list[Document]:
        callbacks = AsyncCallbackManager.configure(run_manager.get_child())
        result = await self._asearch(query, overrides, callbacks)
        return [document_from(ranked) for ranked in result.passages]

    @override
    def _get_ls_params(self, **kwargs: Any) -> WikiTracingParams:
        params = WikiTracingParams(
            ls_retriever_name="wikirank",
            ls_vector_store_provider="chroma",
            ls_embedding_provider="wikirank",
            ls_embedding_model=self.index.embedder.model_id,
        )
        rerank = kwargs.get("rerank")
        if self.rerank if rerank is None else rerank:
            params["reranker_model"] = str(self.reranker.model)
        return params

    def _search(
        self, query: str, overrides: SearchOverrides, callbacks: CallbackManager
    ) -> SearchResult:
        options = self._options(overrides)
        result = traced_search(self._searcher(options), query, options, callbacks)
        record_search(result)
        return result

    async def _asearch(
        self, query: str, overrides: SearchOverrides, callbacks: AsyncCallbackManager
    ) -> SearchResult:
        options = self._options(overrides)
        searcher = await run_in_worker(self._searcher, options)
        result = await atraced_search(searcher, query, options, callbacks)
        record_search(result)
        return result

    def _searcher(self, options: SearchOptions) -> Searcher:
        return Searcher(self.index, self.reranker.load_model() if options.rerank else None)

    def _options(self, overrides: SearchOverrides) -> SearchOptions:
        """The engine's options: this call's settings over the retriever's over the reranker's."""
        known = SearchOverrides.__annotations__
        if unknown := sorted(overrides.keys() - known.keys()):
            msg = f"Unknown search setting {unknown[0]!r}. Settings: {', '.join(known)}."
            raise InvalidArgumentError(msg)
        chosen: dict[str, Any] = {name: getattr(self, name) for name in known}
        chosen.update((name, value) for name, value in overrides.items() if value is not None)
        if chosen["rerank"] and chosen["score_threshold"] is None:
            chosen["score_threshold"] = self.reranker.score_threshold
        return SearchOptions(
            on_truncation=self.reranker.on_truncation,
            cascade=self.reranker.cascade,
            **chosen,
        )

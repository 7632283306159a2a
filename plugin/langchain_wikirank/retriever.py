"""A retriever over a wiki index: candidates from Chroma and BM25, reranked, cited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForRetrieverRun,
    CallbackManager,
    CallbackManagerForRetrieverRun,
)
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from pydantic import BeforeValidator, ConfigDict, Field, SerializeAsAny
from typing_extensions import Self, Unpack, override

from langchain_wikirank._async import run_in_worker
from langchain_wikirank._collections import index_of_collection
from langchain_wikirank._compressed import acompressed_search, compressed_search
from langchain_wikirank._document_writing import DocumentWriting
from langchain_wikirank._documents import (
    document_from,
    documents_of_texts,
)
from langchain_wikirank._retriever_settings import (
    IndexField,
    SearchOverrides,
    WikiTracingParams,
    require_question,
)
from langchain_wikirank._tracing import atraced_search, record_search, traced_search
from langchain_wikirank.compressor import WikiReranker
from langchain_wikirank.embeddings import embedder_from
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions, SearchResult
from wikirank.types import SearchType

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api import ClientAPI


def _as_reranker(given: Any) -> Any:
    """The settings of a reranker of ours, as JSON holds them, as the reranker."""
    return WikiReranker.model_validate(given) if isinstance(given, dict) else given


class WikiRetriever(DocumentWriting, BaseRetriever):
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

    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", use_attribute_docstrings=True
    )

    index: IndexField
    """The index to search, or the folder of one. Copies of a retriever share it."""

    reranker: Annotated[SerializeAsAny[BaseDocumentCompressor], BeforeValidator(_as_reranker)] = (
        Field(default_factory=WikiReranker)
    )
    """Gives the cross-encoder and its settings. Its `top_n` has no part here: `k` decides.

    Or any other document compressor, such as `CohereRerank`, which is given the candidates and
    decides what is left, its own limits included. `relevance_score` is then its score if that lies
    in [0, 1], and else absent."""

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
    def from_index(
        cls, path: str | Path, embedding: Embeddings | None = None, **settings: Any
    ) -> Self:
        """Open an index on disk.

        Args:
            path: The folder of the index.
            embedding: The embeddings that it was made with; None for what the index recorded: the
                bundled ones, or a model that `wikirank index --embedder` named.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            IndexNotFoundError: If there is no index at the path.
            IndexMismatchError: If the index was made by another embedder.
        """
        embedder = None if embedding is None else embedder_from(embedding)
        return cls(index=WikiIndex.open(path, embedder=embedder), **settings)

    @classmethod
    def from_client(
        cls,
        client: ClientAPI | Collection | VectorStore,
        collection_name: str = "wikirank",
        embedding: Embeddings | None = None,
        *,
        path: str | Path | None = None,
        **settings: Any,
    ) -> Self:
        """Search a collection of Chroma: embedded, on a server, or in the cloud.

        The collection is live: what other programs add or delete counts at the next question. Its
        words are mirrored in a folder, which is kept and brought up to date.

        Args:
            client: A Chroma client, one of its collections, or a `langchain_chroma.Chroma`.
            collection_name: The collection, where `client` is a client.
            embedding: What the collection was embedded with; None for that of a
                `langchain_chroma.Chroma`, and else the bundled embeddings.
            path: Folder for its words; None takes one beside Chroma's files where these are on
                this machine, else a temporary one.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            IndexNotFoundError: If there is no such collection.
            IndexMismatchError: If the collection was made with another model.
        """
        index = index_of_collection(client, collection_name, embedding, path)
        return cls(index=index, **settings)

    @classmethod
    def from_vectorstore(
        cls, vectorstore: VectorStore, embedding: Embeddings | None = None, **settings: Any
    ) -> Self:
        """Search the collection of a `langchain_chroma.Chroma`; see `from_client`.

        Args:
            vectorstore: The store.
            embedding: What it was embedded with; None for the embeddings that it has.
            **settings: Fields of the retriever, and `path` as of `from_client`.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If it is another kind of vector store.
            IndexMismatchError: If the collection was made with another model.
        """
        return cls.from_client(vectorstore, embedding=embedding, **settings)

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        embedding: Embeddings | None = None,
        *,
        path: str | Path | None = None,
        **settings: Any,
    ) -> Self:
        """Index documents and search them; each is one passage as it is.

        Documents without text are skipped, and a warning is logged that counts them.

        Args:
            documents: The documents; `title`, `section` and `url` of their metadata are cited.
            embedding: Makes the vectors; None for the bundled embeddings.
            path: The folder to keep the index in, with what it holds already; None keeps it
                in a temporary folder as long as the retriever lives.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If two documents have one id, or metadata is not JSON.
            IndexMismatchError: If the index in the folder was made by another embedder.
        """
        embedder = embedder_from(embedding)
        if path is None:
            index = WikiIndex.create(embedder=embedder)
        else:
            index = WikiIndex.open_or_create(path, embedder=embedder)
        retriever = cls(index=index, **settings)
        retriever.add_documents(documents)
        return retriever

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        embedding: Embeddings | None = None,
        metadatas: Sequence[Mapping[str, Any]] | None = None,
        *,
        ids: Sequence[str] | None = None,
        path: str | Path | None = None,
        **settings: Any,
    ) -> Self:
        """Index texts and search them; each is one passage as it is.

        Args:
            texts: The texts; blank ones are skipped, as in `from_documents`.
            embedding: Makes the vectors; None for the bundled embeddings.
            metadatas: The metadata of each; None gives them none.
            ids: The id of each; None makes ids from the content.
            path: The folder to keep the index in, as in `from_documents`.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If there are not as many metadatas or ids as texts.
        """
        documents = documents_of_texts(list(texts), metadatas, ids)
        return cls.from_documents(documents, embedding, path=path, **settings)

    def search(self, query: str, **overrides: Unpack[SearchOverrides]) -> SearchResult:
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
        embedder = self.index.embedder
        params = WikiTracingParams(
            ls_retriever_name="wikirank",
            ls_vector_store_provider="chroma",
            ls_embedding_provider=getattr(embedder, "provider", "wikirank"),
            ls_embedding_model=getattr(embedder, "model_name", "") or embedder.model_id,
        )
        rerank = kwargs.get("rerank")
        if self.rerank if rerank is None else rerank:
            own = self.reranker
            params["reranker_model"] = (
                own.model_name if isinstance(own, WikiReranker) else type(own).__name__
            )
        return params

    def _search(
        self, query: str, overrides: SearchOverrides, callbacks: CallbackManager
    ) -> SearchResult:
        require_question(query)
        options = self._options(overrides)
        if options.rerank and self._named_model is None:
            searcher = Searcher(self.index)
            result = compressed_search(searcher, self._compressor, query, options, callbacks)
        else:
            result = traced_search(self._searcher(options), query, options, callbacks)
        record_search(result)
        return result

    async def _asearch(
        self, query: str, overrides: SearchOverrides, callbacks: AsyncCallbackManager
    ) -> SearchResult:
        require_question(query)
        options = self._options(overrides)
        if options.rerank and self._named_model is None:
            searcher = Searcher(self.index)
            result = await acompressed_search(searcher, self._compressor, query, options, callbacks)
        else:
            searcher = await run_in_worker(self._searcher, options)
            result = await atraced_search(searcher, query, options, callbacks)
        record_search(result)
        return result

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

    def _searcher(self, options: SearchOptions) -> Searcher:
        named = self._named_model if options.rerank else None
        return Searcher(self.index, named.load_model() if named else None)

    def _options(self, overrides: SearchOverrides) -> SearchOptions:
        """The engine's options: this call's settings over the retriever's over the reranker's."""
        known = SearchOverrides.__annotations__
        if unknown := sorted(overrides.keys() - known.keys()):
            msg = f"Unknown search setting {unknown[0]!r}. Settings: {', '.join(known)}."
            raise InvalidArgumentError(msg)
        chosen: dict[str, Any] = {name: getattr(self, name) for name in known}
        chosen.update((name, value) for name, value in overrides.items() if value is not None)
        named = self._named_model
        if named is None:
            return SearchOptions(**chosen)
        if chosen["rerank"] and chosen["score_threshold"] is None:
            chosen["score_threshold"] = named.score_threshold
        return SearchOptions(on_truncation=named.on_truncation, cascade=named.cascade, **chosen)

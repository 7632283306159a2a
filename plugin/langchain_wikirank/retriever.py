"""Retriever over a wiki index: candidates from Chroma and BM25, reranked and cited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from typing_extensions import override

from langchain_wikirank._base_retriever import BaseWikiRetriever
from langchain_wikirank._collections import open_collection_as_index
from langchain_wikirank._document_writing import DocumentWriting
from langchain_wikirank._documents import documents_from_texts
from langchain_wikirank._retriever_settings import IndexField, WikiTracingParams
from langchain_wikirank.compressor import WikiReranker
from langchain_wikirank.embeddings import embedder_from
from langchain_wikirank.live import LiveWikiRetriever
from wikirank.embed import load_any_embedder
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.rank import CrossEncoder
from wikirank.runtime.model_pairs import BUNDLED, model_pair
from wikirank.search import Searcher
from wikirank.search.reader import IndexReader

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api import ClientAPI


class WikiRetriever(DocumentWriting, BaseWikiRetriever):
    """Retrieve the passages of a wiki index that answer a question, best first.

    The metadata of each document has its citation (`title`, `section`, `url`, `revision`, `source`,
    `passage_number`), the score of each stage that it went through (`dense_score`, `lexical_score`,
    `fusion_score`, `rerank_logit`, `relevance_score`), and its rank before and after reranking
    (`rank_before`, `rank`).

    Search settings can also be set for one call, such as `retriever.invoke(question, k=3)`.

    Example:
        ```python
        retriever = WikiRetriever.from_index("wiki-index", k=3)
        for document in retriever.invoke("Who wrote the first algorithm?"):
            print(document.metadata["title"], document.metadata["relevance_score"])
        ```
    """

    index: IndexField
    """The index to search, or its folder. Copies of a retriever share the index."""

    @classmethod
    def from_index(
        cls, path: str | Path, embedding: Embeddings | None = None, **settings: Any
    ) -> Self:
        """Open an index on disk.

        Args:
            path: Folder of the index.
            embedding: The embeddings that the index was built with. None loads what the index
                recorded: the bundled embeddings, or the model of `wikirank index --embedder`.
            **settings: Fields of the retriever, such as `k`.

        Returns:
            The retriever.

        Raises:
            IndexNotFoundError: If there is no index at the path.
            IndexMismatchError: If the index was built with other embeddings.
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
        """Search an existing Chroma collection, whether embedded, on a server or in the cloud.

        Changes that other programs make to the collection are visible at the next question. The
        texts are copied to a BM25 index in a folder, which is kept and updated.

        Args:
            client: A Chroma client, a Chroma collection, or a `langchain_chroma.Chroma`.
            collection_name: Name of the collection, if `client` is a Chroma client.
            embedding: The embeddings that the collection was built with. None uses those of a
                `langchain_chroma.Chroma`, otherwise the bundled ones.
            path: Folder of the BM25 index. None uses a folder next to Chroma's files if they are on
                this machine, otherwise a temporary one.
            **settings: Fields of the retriever, such as `k`.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If `client` is none of the three.
            IndexNotFoundError: If there is no such collection.
            IndexMismatchError: If the collection was built with other embeddings.
        """
        index = open_collection_as_index(client, collection_name, embedding, path)
        return cls(index=index, **settings)

    @classmethod
    def from_vectorstore(
        cls, vectorstore: VectorStore, embedding: Embeddings | None = None, **settings: Any
    ) -> Self:
        """Search the collection of a `langchain_chroma.Chroma`; see `from_client`.

        Args:
            vectorstore: A `langchain_chroma.Chroma`.
            embedding: The embeddings that the collection was built with; None uses those of the
                vector store.
            **settings: Fields of the retriever, and `path` as in `from_client`.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If it is another kind of vector store.
            IndexMismatchError: If the collection was built with other embeddings.
        """
        return cls.from_client(vectorstore, embedding=embedding, **settings)

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        embedding: Embeddings | None = None,
        *,
        models: str | None = None,
        path: str | Path | None = None,
        **settings: Any,
    ) -> Self:
        """Index documents and search them. Each document is one passage; it is not split.

        Documents without text are skipped with a logged warning.

        Args:
            documents: Documents to index. `title`, `section` and `url` of their metadata are used
                for citations.
            embedding: Embeds the documents; None uses the bundled embeddings.
            models: Instead of `embedding`: "multilingual" loads an embedder and a reranker for many
                languages from the hub, "bundled" uses the bundled models.
            path: Folder of the index. Documents are added if it exists already. None uses a
                temporary folder, which is deleted with the retriever.
            **settings: Fields of the retriever, such as `k`.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If two documents have the same id, metadata cannot be written as
                JSON, or both `embedding` and `models` are set.
            IndexMismatchError: If the index in the folder was built with other embeddings.
            ModelError: If a model cannot be loaded.
        """
        pair = model_pair(models or BUNDLED)
        if models is not None and embedding is not None:
            msg = f"Expected embedding or models, got both. models={models!r} has an embedder."
            raise InvalidArgumentError(msg)
        embedder = embedder_from(embedding) if models is None else load_any_embedder(models)
        if path is None:
            index = WikiIndex.create(embedder=embedder)
        else:
            index = WikiIndex.open_or_create(path, embedder=embedder)
        if pair:
            index.record_reranker(pair.reranker, pair.reranker_revision)
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
        models: str | None = None,
        path: str | Path | None = None,
        **settings: Any,
    ) -> Self:
        """Index texts and search them. Each text is one passage; it is not split.

        Args:
            texts: Texts to index. Blank ones are skipped with a logged warning.
            embedding: Embeds the texts; None uses the bundled embeddings.
            metadatas: One metadata dictionary per text; None for no metadata.
            ids: One id per text; None derives ids from the content.
            models: "multilingual" or "bundled" instead of `embedding`; see `from_documents`.
            path: Folder of the index, None for a temporary one; see `from_documents`.
            **settings: Fields of the retriever, such as `k`.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If the number of metadatas or ids differs from that of texts; see
                also `from_documents`.
        """
        documents = documents_from_texts(list(texts), metadatas, ids)
        return cls.from_documents(documents, embedding, models=models, path=path, **settings)

    @staticmethod
    def from_mediawiki(
        address: str,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        contact: str | None = None,
        cache: bool | str | Path | None = None,
        **settings: Any,
    ) -> LiveWikiRetriever:
        """Search a live MediaWiki with its own search engine, without building an index.

        Args:
            address: URL of its `api.php` or of any page, or its host name.
            user: User name for a private wiki; None reads without logging in.
            password: Password of the user. Prefer to set the environment variable
                `WIKIRANK_MEDIAWIKI_PASSWORD`.
            token: OAuth token, instead of user and password. Prefer to set the environment variable
                `WIKIRANK_MEDIAWIKI_TOKEN`.
            contact: Mail address or web page for the user agent. Large wikis ask for it.
            cache: Whether to cache pages on disk by revision, up to 256 MB in the user's cache
                folder; or another folder for them. None caches pages of public wikis only.
            **settings: Fields of the retriever, such as `k`.

        Returns:
            The retriever.

        Raises:
            CorpusError: If there is no MediaWiki at the address.
            SourceConnectionError: If the wiki cannot be reached.
        """
        from wikirank.corpus.sources.mediawiki.live import LiveMediaWiki

        wiki = LiveMediaWiki(
            address, user=user, password=password, token=token, contact=contact, cache=cache
        )
        return LiveWikiRetriever(wiki=wiki, **settings)

    @staticmethod
    def from_zim(path: str | Path, **settings: Any) -> LiveWikiRetriever:
        """Search a ZIM file with its own full-text and title index, without building an index.

        Args:
            path: Path of the ZIM file.
            **settings: Fields of the retriever, such as `k`.

        Returns:
            The retriever.

        Raises:
            CorpusError: If the file cannot be read or has no full-text index.
            MissingExtraError: If the `[zim]` extra is not installed.
        """
        from wikirank.corpus.sources.zim_live import LiveZim

        return LiveWikiRetriever(wiki=LiveZim(path), **settings)

    @override
    def _get_ls_params(self, **kwargs: Any) -> WikiTracingParams:
        embedder = self.index.embedder
        params = super()._get_ls_params(**kwargs)
        params["ls_vector_store_provider"] = "chroma"
        params["ls_embedding_provider"] = getattr(embedder, "provider", "wikirank")
        params["ls_embedding_model"] = getattr(embedder, "model_name", "") or embedder.model_id
        return params

    @property
    @override
    def reader(self) -> IndexReader:
        return IndexReader(self.index)

    @property
    @override
    def _engine_reranker(self) -> WikiReranker | None:
        reranker, recorded = super()._engine_reranker, self.index.reranker
        if reranker is None or recorded is None or "model" in reranker.model_fields_set:
            return reranker
        return reranker.model_copy(update=recorded)

    @override
    def _searcher(self, cross_encoder: CrossEncoder | None) -> Searcher:
        return Searcher(self.index, cross_encoder)

"""A retriever over a wiki index: candidates from Chroma and BM25, reranked, cited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from typing_extensions import override

from langchain_wikirank._base_retriever import BaseWikiRetriever
from langchain_wikirank._collections import index_of_collection
from langchain_wikirank._document_writing import DocumentWriting
from langchain_wikirank._documents import documents_of_texts
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

    index: IndexField
    """The index to search, or the folder of one. Copies of a retriever share it."""

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
        models: str | None = None,
        path: str | Path | None = None,
        **settings: Any,
    ) -> Self:
        """Index documents and search them; each is one passage as it is.

        Documents without text are skipped, and a warning is logged that counts them.

        Args:
            documents: The documents; `title`, `section` and `url` of their metadata are cited.
            embedding: Makes the vectors; None for the bundled embeddings.
            models: In place of `embedding`: "multilingual" for an embedder and a reranker of the
                hub that read many languages, or "bundled".
            path: The folder to keep the index in, with what it holds already; None keeps it
                in a temporary folder as long as the retriever lives.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If two documents have one id, or metadata is not JSON.
            IndexMismatchError: If the index in the folder was made by another embedder.
            ModelError: If the models cannot be loaded.
        """
        pair = model_pair(models or BUNDLED)
        if models is not None and embedding is not None:
            msg = f"Expected embedding or models, got both; models={models!r} has an embedder."
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
        """Index texts and search them; each is one passage as it is.

        Args:
            texts: The texts; blank ones are skipped, as in `from_documents`.
            embedding: Makes the vectors; None for the bundled embeddings.
            metadatas: The metadata of each; None gives them none.
            ids: The id of each; None makes ids from the content.
            models: "multilingual" in place of `embedding`, as in `from_documents`.
            path: The folder to keep the index in, as in `from_documents`.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            InvalidArgumentError: If there are not as many metadatas or ids as texts.
        """
        documents = documents_of_texts(list(texts), metadatas, ids)
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
        """Ask a live MediaWiki by its own search, without an index.

        Args:
            address: Of its `api.php`, of any of its pages, or of its host.
            user: Who reads a private wiki.
            password: Of that user; better `WIKIRANK_MEDIAWIKI_PASSWORD` in the environment.
            token: An OAuth token in their place; better `WIKIRANK_MEDIAWIKI_TOKEN`.
            contact: Mail address or page for the user agent, which large wikis ask for.
            cache: Whether pages are kept on disk by revision, at most 256 MB in the user's cache
                folder, or the folder for them; None keeps those of wikis that anyone may read.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            CorpusError: There is no MediaWiki at the address.
            SourceConnectionError: It cannot be reached.
        """
        from wikirank.corpus.sources.mediawiki.live import LiveMediaWiki

        wiki = LiveMediaWiki(
            address, user=user, password=password, token=token, contact=contact, cache=cache
        )
        return LiveWikiRetriever(wiki=wiki, **settings)

    @staticmethod
    def from_zim(path: str | Path, **settings: Any) -> LiveWikiRetriever:
        """Ask a ZIM file by its own full-text and title index, without an index of ours.

        Args:
            path: The file.
            **settings: Fields of the retriever.

        Returns:
            The retriever.

        Raises:
            CorpusError: The file has no full-text index, or cannot be read.
            MissingExtraError: The `[zim]` extra is not installed.
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
    def _named_model(self) -> WikiReranker | None:
        own, recorded = super()._named_model, self.index.reranker
        if own is None or recorded is None or "model" in own.model_fields_set:
            return own
        return own.model_copy(update=recorded)

    @override
    def _over(self, cross_encoder: CrossEncoder | None) -> Searcher:
        return Searcher(self.index, cross_encoder)

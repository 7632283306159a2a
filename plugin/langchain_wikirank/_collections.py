"""Open a Chroma client, collection or LangChain vector store as an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import chromadb
from langchain_core.embeddings import Embeddings

from langchain_wikirank.embeddings import embedder_from
from wikirank.errors import InvalidArgumentError
from wikirank.index.collection import CollectionIndex, open_collection_index
from wikirank.index.vectors.server import open_collection

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from langchain_core.vectorstores import VectorStore


def open_collection_as_index(
    store: ClientAPI | chromadb.Collection | VectorStore,
    name: str,
    embedding: Embeddings | None,
    path: str | Path | None = None,
) -> CollectionIndex:
    """Open a collection as an index.

    Args:
        store: A Chroma client, a Chroma collection, or a `langchain_chroma.Chroma`.
        name: Name of the collection, for a client only.
        embedding: The embeddings of the collection; None uses those of the store, if it has any,
            otherwise the bundled ones.
        path: Folder of the BM25 index; see `wikirank.index.collection.open_collection_index`.

    Returns:
        The index.

    Raises:
        IndexNotFoundError: If there is no such collection.
        IndexMismatchError: If the collection was built with other embeddings.
        InvalidArgumentError: If `store` is none of the three.
    """
    collection = _collection(store, name)
    if embedding is None:
        embedding = getattr(store, "embeddings", None)
    embedder = embedder_from(embedding, normalise=False)
    return open_collection_index(collection, embedder=embedder, path=path)


def _collection(store: Any, name: str) -> chromadb.Collection:
    if isinstance(store, chromadb.Collection):
        return store
    inner = getattr(store, "_collection", None)  # langchain_chroma.Chroma
    if isinstance(inner, chromadb.Collection):
        return inner
    if hasattr(store, "get_collection"):
        return open_collection(store, name, create=False)
    msg = (
        "Expected a Chroma client, a Chroma collection or a langchain_chroma.Chroma, got "
        f"{type(store).__name__}. Index its documents with WikiRetriever.from_documents instead."
    )
    raise InvalidArgumentError(msg)

"""A Chroma client, collection or LangChain store, opened as an index."""

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


def index_of_collection(
    store: ClientAPI | chromadb.Collection | VectorStore,
    name: str,
    embedding: Embeddings | None,
    path: str | Path | None = None,
) -> CollectionIndex:
    """Open a collection as an index.

    Args:
        store: A client, a collection, or a `langchain_chroma.Chroma`.
        name: The collection's name, where a client is given.
        embedding: What the collection was embedded with; None for the store's own, or the bundled.
        path: Folder of the mirror; see `wikirank.index.collection.open_collection_index`.

    Returns:
        The index.

    Raises:
        IndexNotFoundError: If there is no such collection.
        IndexMismatchError: If it was made with another model.
        InvalidArgumentError: If it is none of the three.
    """
    collection = _collection(store, name)
    if embedding is None:
        embedding = getattr(store, "embeddings", None)
    embedder = embedder_from(embedding, normalise=False)
    return open_collection_index(collection, embedder=embedder, path=path)


def _collection(store: Any, name: str) -> chromadb.Collection:
    if isinstance(store, chromadb.Collection):
        return store
    of_store = getattr(store, "_collection", None)
    if isinstance(of_store, chromadb.Collection):
        return of_store
    if hasattr(store, "get_collection"):
        return open_collection(store, name, create=False)
    msg = (
        "Expected a Chroma client, a Chroma collection or a langchain_chroma.Chroma, got "
        f"{type(store).__name__}. Index its documents instead: WikiRetriever.from_documents."
    )
    raise InvalidArgumentError(msg)

"""Passage vectors in a Chroma collection, in cosine space, and the clients that open it."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import chromadb
import httpx
import numpy as np
from chromadb.api.client import Client
from chromadb.api.collection_configuration import CreateHNSWConfiguration
from chromadb.config import Settings
from chromadb.errors import ChromaError, NotFoundError
from chromadb.errors import InvalidArgumentError as ChromaArgumentError
from numpy.typing import NDArray
from typing_extensions import override

from wikirank._util import abandon, chunks, is_rust_panic
from wikirank.errors import (
    IndexConnectionError,
    IndexNotFoundError,
    IndexStorageError,
    InvalidArgumentError,
)
from wikirank.index.vectors.base import ServedVectors, StoredRecord, VectorIndex
from wikirank.index.vectors.forked import ensure_usable, is_embedded
from wikirank.types import HEADING_SEPARATOR, Passage

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.types import Metadata

# The search graph. With Chroma's defaults (100, 100, 16) the top 50 of 200 questions over 14,737
# passages had 95.3 % of the exact top 50, and 60 % for the worst question. With these settings it
# is 99.9 % and 96 % for 300 questions over 52,865 passages, at 3.2 ms per query and 0.42 ms per
# passage to build. With 200 for construction it is 99.95 % and 96 %, at 0.58 ms per passage.
_GRAPH: CreateHNSWConfiguration = {
    "space": "cosine",
    "ef_construction": 128,
    "ef_search": 400,
    "max_neighbors": 32,
}
# Factors that turn a distance of unit vectors in each of Chroma's spaces into 1 - cosine. Chroma's
# l2 is the squared distance, and its default space.
_COSINE_DISTANCE = {"cosine": 1.0, "ip": 1.0, "l2": 0.5}


def _settings() -> Settings:
    # By default Chroma reports usage to its makers; a library must not.
    return Settings(anonymized_telemetry=False)


def embedded_client(path: Path | str) -> ClientAPI:
    """Open Chroma's embedded store in a folder; also works in a forked process."""
    ensure_usable()
    return chromadb.PersistentClient(path=str(path), settings=_settings())


def _same_client(collection: chromadb.Collection) -> ClientAPI:
    """Return a client for this process, given a collection of its parent's client."""
    settings = collection._client.get_settings()
    if is_embedded(settings):
        if not settings.is_persistent:
            msg = (
                "Expected a Chroma client whose store a forked child can open, got one in memory. "
                "Keep it in a folder (chromadb.PersistentClient), or open it after the fork."
            )
            raise IndexStorageError(msg)
        ensure_usable()
    return Client(collection.tenant, collection.database, settings)


def server_client(url: str) -> ClientAPI:
    """Connect to a Chroma server.

    Args:
        url: `http://host:port` or `https://host:port`; the default ports are 8000 and 443.

    Returns:
        A client; the server has answered.

    Raises:
        InvalidArgumentError: If the address is not valid.
        IndexConnectionError: If no Chroma server answers there.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = f"Expected an address of a Chroma server such as http://host:8000, got {url!r}."
        raise InvalidArgumentError(msg)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 8000)
    try:
        return chromadb.HttpClient(host=parts.hostname, port=port, ssl=secure, settings=_settings())
    except (ValueError, httpx.HTTPError, ChromaError) as err:
        msg = f"No Chroma server answers at {url} ({err}). Start one: chroma run --port {port}."
        raise IndexConnectionError(msg) from err


class Record(NamedTuple):
    """A record of a collection without its vector."""

    id: str
    text: str
    metadata: dict[str, Any]


def as_records(page: Any) -> list[Record]:
    """Convert a result of Chroma's `get` to records."""
    documents = page["documents"] or [None] * len(page["ids"])
    metadatas = page["metadatas"] or [None] * len(page["ids"])
    return [
        Record(id_, text or "", dict(metadata or {}))
        for id_, text, metadata in zip(page["ids"], documents, metadatas, strict=True)
    ]


class ChromaVectors(VectorIndex):
    """Passage vectors in one Chroma collection; base of the embedded and the server index."""

    def __init__(self, client: ClientAPI, collection: chromadb.Collection) -> None:
        self._name = collection.name
        self._batch_size = client.get_max_batch_size()
        settings = collection.configuration_json
        graph = settings.get("hnsw") or settings.get("spann") or {}
        self._space = graph.get("space") or "l2"
        self._distance_scale = _COSINE_DISTANCE[self._space]

    @abstractmethod
    def _use(self, *, write: bool = False) -> AbstractContextManager[chromadb.Collection]:
        """Give access to the collection within a `with` block."""

    @override
    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        self.write([Record(p.id, p.text, chroma_metadata(p)) for p in passages], vectors)

    def write(self, records: Sequence[Record], vectors: NDArray[np.float32]) -> None:
        """Write records and vectors, (len(records), dimension); the same ids are replaced."""
        for start in range(0, len(records), self._batch_size):
            part = records[start : start + self._batch_size]
            metadatas: list[Metadata | None] = [record.metadata or None for record in part]
            with self._use(write=True) as collection:
                collection.upsert(
                    ids=[record.id for record in part],
                    embeddings=vectors[start : start + self._batch_size],
                    documents=[record.text for record in part],
                    metadatas=metadatas,  # type: ignore[arg-type]
                )

    @override
    def delete(self, ids: Sequence[str]) -> None:
        for part in chunks(ids, self._batch_size):
            with self._use(write=True) as collection:
                collection.delete(ids=part)

    @override
    def search(
        self, vector: NDArray[np.float32], k: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        with self._use() as collection:
            result = collection.query(
                query_embeddings=np.expand_dims(vector, 0),
                n_results=k,
                where=dict(where) if where else None,
                include=["distances"],
            )
        distances = result["distances"] or [[]]
        return [
            (id_, 1.0 - self._distance_scale * float(distance))
            for id_, distance in zip(result["ids"][0], distances[0], strict=True)
        ]

    @override
    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        unit = vector / np.linalg.norm(vector)
        similar: dict[str, float] = {}
        for part in chunks(ids, self._batch_size):
            with self._use() as collection:
                page = collection.get(ids=part, include=["embeddings"])
            rows = np.asarray(page["embeddings"], dtype=np.float32).reshape(-1, len(unit))
            cosines = rows @ unit / np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
            similar.update(zip(page["ids"], map(float, cosines), strict=True))
        return similar

    @override
    def count(self) -> int:
        with self._use() as collection:
            return collection.count()

    @override
    def get(self, ids: Sequence[str]) -> dict[str, StoredRecord]:
        records: dict[str, StoredRecord] = {}
        for part in chunks(ids, self._batch_size):
            with self._use() as collection:
                page = collection.get(ids=part, include=["documents", "metadatas", "embeddings"])
            vectors = page["embeddings"]
            for index, (id_, text, metadata) in enumerate(as_records(page)):
                vector = None if vectors is None else np.asarray(vectors[index], dtype=np.float32)
                records[id_] = StoredRecord(text, metadata, vector)
        return records

    @override
    def ids(self) -> Iterator[str]:
        for offset in range(0, self.count(), 1000):
            with self._use() as collection:
                yield from collection.get(limit=1000, offset=offset, include=[])["ids"]

    @override
    def dimension(self) -> int | None:
        with self._use() as collection:
            sample = collection.get(limit=1, include=["embeddings"])["embeddings"]
        return None if sample is None or len(sample) == 0 else len(sample[0])


class ServerVectors(ServedVectors, ChromaVectors):
    """Passage vectors in a collection of a Chroma server.

    Args:
        client: The client that opened the collection.
        collection: An open collection.
        server: Address of the server, for errors and to reconnect; "" uses the client's settings.
    """

    def __init__(
        self, client: ClientAPI, collection: chromadb.Collection, server: str = ""
    ) -> None:
        self._client = client
        self._collection = collection
        self._server = server
        self._process = os.getpid()
        with chroma_failures(server):
            super().__init__(client, collection)

    @classmethod
    def open(
        cls, client: ClientAPI, name: str, *, create: bool = False, server: str = ""
    ) -> ServerVectors:
        """Open a collection; IndexNotFoundError if it does not exist and `create` is false."""
        with chroma_failures(server):
            return cls(client, open_collection(client, name, create=create), server)

    @override
    @contextmanager
    def _use(self, *, write: bool = False) -> Iterator[chromadb.Collection]:
        if self._process != os.getpid():  # Connections and threads belong to the forked parent.
            self._reopen()
        with chroma_failures(self._server):
            yield self._collection

    def _reopen(self) -> None:
        abandon((self._client, self._collection))
        with chroma_failures(self._server):
            if self._server:
                self._client = server_client(self._server)
            else:
                self._client = _same_client(self._collection)
            self._collection = open_collection(self._client, self._name, create=False)
        self._process = os.getpid()

    @property
    def collection_id(self) -> str:
        """Chroma's own id of the collection."""
        return str(self._collection.id)

    @override
    def reset(self) -> None:
        with chroma_failures(self._server):
            with suppress(NotFoundError, ValueError):
                self._client.delete_collection(self._name)
            self._collection = open_collection(self._client, self._name, create=True)

    @override
    def close(self) -> None:
        """Do nothing: the client may have other users."""


def passage_fields(passage: Passage) -> dict[str, str]:
    """Return the fields of a passage that are not empty, as Chroma stores them."""
    fields = {
        "title": passage.title,
        "section": HEADING_SEPARATOR.join(passage.section),
        "url": passage.url,
        "revision": passage.revision,
        "source": passage.source,
    }
    return {key: value for key, value in fields.items() if value}


def chroma_metadata(passage: Passage) -> dict[str, str | int | float | bool]:
    """Return what Chroma stores beside a vector: fields, overridden by scalar metadata."""
    from wikirank.index.metadata import filterable  # Not needed to search.

    number = {"passage_number": passage.number}
    return {**passage_fields(passage), **number, **filterable(passage.metadata)}


def open_collection(client: ClientAPI, name: str, *, create: bool) -> chromadb.Collection:
    """Open a collection; IndexNotFoundError if it does not exist and `create` is false."""
    try:
        if create:
            return client.get_or_create_collection(
                name, configuration={"hnsw": _GRAPH}, embedding_function=None
            )
        return client.get_collection(name, embedding_function=None)
    except ChromaArgumentError as err:
        msg = f"Expected a name that Chroma accepts for a collection, got {name!r}: {err}"
        raise InvalidArgumentError(msg) from err
    except (NotFoundError, ValueError) as err:
        names = ", ".join(collection.name for collection in client.list_collections())
        msg = f"There is no Chroma collection {name!r}. Collections: {names or 'none'}."
        raise IndexNotFoundError(msg) from err


@contextmanager
def chroma_failures(server: str = "") -> Iterator[None]:
    """Raise Chroma's errors, and those of a connection, as our own."""
    try:
        yield
    except httpx.HTTPError as err:
        which = server or "of this index"
        msg = f"The Chroma server {which} does not answer ({err}). Check that it is running."
        raise IndexConnectionError(msg) from err
    except NotFoundError as err:
        msg = (
            f"The Chroma collection is gone ({str(err).rstrip('.')}): another program deleted or "
            "replaced it. Open it again. If it belongs to an index, rebuild it from the passages: "
            "wikirank verify --index DIR --repair."
        )
        raise IndexNotFoundError(msg) from err
    except BaseException as err:
        if not (isinstance(err, ChromaError) or is_rust_panic(err)):
            raise
        msg = (
            f"Chroma failed: {str(err).rstrip('.')}. If the disk is full, free space and run the "
            "command again. Otherwise rebuild the vectors from the passages: wikirank verify "
            "--index DIR --repair. Every passage that was written is kept."
        )
        raise IndexStorageError(msg) from err

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

# The search graph. With Chroma's own settings (100, 100, 16) the top 50 for 200 questions over
# 14,737 passages held 95.3 % of the exact top 50, and 60 % for the worst question. With these it is
# 99.9 % and 96 % for 300 questions over 52,865, 3.2 ms a query and 0.42 ms a passage to build; with
# 200 for construction 99.95 % and 96 %, at 0.58 ms a passage.
_GRAPH: CreateHNSWConfiguration = {
    "space": "cosine",
    "ef_construction": 128,
    "ef_search": 400,
    "max_neighbors": 32,
}
# What a distance in each of Chroma's spaces is to be multiplied by, to be 1 minus the cosine of
# unit vectors. Its l2 is the squared distance, its default where a collection names no space.
_COSINE_DISTANCE = {"cosine": 1.0, "ip": 1.0, "l2": 0.5}


def _settings() -> Settings:
    # Chroma reports usage to its makers unless told not to; a library must not.
    return Settings(anonymized_telemetry=False)


def embedded_client(path: Path | str) -> ClientAPI:
    """Open Chroma's own store in a folder, in this process, also in a forked one."""
    ensure_usable()
    return chromadb.PersistentClient(path=str(path), settings=_settings())


def _same_client(collection: chromadb.Collection) -> ClientAPI:
    """A client of this process for what a client of its parent has a collection of."""
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
        url: `http://host:port` or `https://host:port`.

    Returns:
        A client of the server, which has answered.

    Raises:
        InvalidArgumentError: If the address is none.
        IndexConnectionError: If no Chroma server answers there.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = f"A Chroma server's address looks like http://host:8000, got {url!r}."
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
    """The records of a page that Chroma answered with."""
    documents = page["documents"] or [None] * len(page["ids"])
    metadatas = page["metadatas"] or [None] * len(page["ids"])
    return [
        Record(id_, text or "", dict(metadata or {}))
        for id_, text, metadata in zip(page["ids"], documents, metadatas, strict=True)
    ]


class ChromaVectors(VectorIndex):
    """Passage vectors in one Chroma collection.

    Args:
        client: What asked for the collection.
        collection: The collection.
    """

    def __init__(self, client: ClientAPI, collection: chromadb.Collection) -> None:
        self._name = collection.name
        self._batch_size = client.get_max_batch_size()
        settings = collection.configuration_json
        graph = settings.get("hnsw") or settings.get("spann") or {}
        self._space = graph.get("space") or "l2"
        self._distance_scale = _COSINE_DISTANCE[self._space]

    @abstractmethod
    def _use(self, *, write: bool = False) -> AbstractContextManager[chromadb.Collection]:
        """The collection, for the length of the block."""

    @override
    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        self.write([Record(p.id, p.text, chroma_metadata(p)) for p in passages], vectors)

    def write(self, records: Sequence[Record], vectors: NDArray[np.float32]) -> None:
        """Write records, over those of the same ids.

        Args:
            records: The records.
            vectors: Their vectors, (len(records), dimension).
        """
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
        client: Any Chroma client.
        collection: A collection of it.
        server: Address of the server, to be named when it does not answer.
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
        """Open the collection of a name; IndexNotFoundError if `create` is false and none is."""
        with chroma_failures(server):
            return cls(client, open_collection(client, name, create=create), server)

    @override
    @contextmanager
    def _use(self, *, write: bool = False) -> Iterator[chromadb.Collection]:
        if self._process != os.getpid():  # Connections and threads are the forked parent's.
            self._open_again()
        with chroma_failures(self._server):
            yield self._collection

    def _open_again(self) -> None:
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
        """What Chroma itself knows the collection by."""
        return str(self._collection.id)

    @override
    def reset(self) -> None:
        with chroma_failures(self._server):
            with suppress(NotFoundError, ValueError):
                self._client.delete_collection(self._name)
            self._collection = open_collection(self._client, self._name, create=True)

    @override
    def close(self) -> None:
        """Leave the client as it is: who else uses it is not known here."""


def passage_fields(passage: Passage) -> dict[str, str]:
    """What a passage says of itself, as far as it says it, as Chroma keeps it."""
    fields = {
        "title": passage.title,
        "section": HEADING_SEPARATOR.join(passage.section),
        "url": passage.url,
        "revision": passage.revision,
        "source": passage.source,
    }
    return {key: value for key, value in fields.items() if value}


def chroma_metadata(passage: Passage) -> dict[str, str | int | float | bool]:
    """What Chroma keeps beside a vector: the passage's fields, its scalar metadata before them."""
    from wikirank.index.metadata import filterable  # Not needed to search.

    number = {"passage_number": passage.number}
    return {**passage_fields(passage), **number, **filterable(passage.metadata)}


def open_collection(client: ClientAPI, name: str, *, create: bool) -> chromadb.Collection:
    """The collection of a name, made where `create` allows it; else IndexNotFoundError."""
    try:
        if create:
            return client.get_or_create_collection(
                name, configuration={"hnsw": _GRAPH}, embedding_function=None
            )
        return client.get_collection(name, embedding_function=None)
    except ChromaArgumentError as err:
        msg = f"Chroma takes no collection named {name!r}: {err}"
        raise InvalidArgumentError(msg) from err
    except (NotFoundError, ValueError) as err:
        names = ", ".join(collection.name for collection in client.list_collections())
        msg = f"There is no Chroma collection {name!r} there. Collections: {names or 'none'}."
        raise IndexNotFoundError(msg) from err


@contextmanager
def chroma_failures(server: str = "") -> Iterator[None]:
    """Make errors of ours of what Chroma raises, and of a server that does not answer."""
    try:
        yield
    except httpx.HTTPError as err:
        which = server or "of this index"
        msg = f"The Chroma server {which} does not answer ({err}). Is it running?"
        raise IndexConnectionError(msg) from err
    except NotFoundError as err:
        msg = (
            f"The Chroma collection is gone ({str(err).rstrip('.')}): another program deleted it, "
            "or made it anew. Open it again; of an index of wikirank, make it again from the "
            "passages: wikirank verify --index DIR --repair."
        )
        raise IndexNotFoundError(msg) from err
    except ChromaError as err:
        raise IndexStorageError(_failed(err)) from err
    except BaseException as err:
        if not is_rust_panic(err):
            raise
        raise IndexStorageError(_failed(err)) from err


def _failed(err: BaseException) -> str:
    return (
        f"Chroma failed: {str(err).rstrip('.')}. If its disk is full, free space and run the same "
        "again; if not, make the vectors again from the passages: wikirank verify --index DIR "
        "--repair. No passage that was written is lost."
    )

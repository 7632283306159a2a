"""The dense index over several Chroma servers, each of which stores whole sources.

The index records the server of a source before its first vector is written, and never changes it.
A query goes to all servers at once, and their hits are merged by similarity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import nsmallest
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from wikirank._util import chunks, renew_after_fork
from wikirank.errors import InvalidArgumentError
from wikirank.index.store import PassageStore
from wikirank.index.vectors.base import ServedVectors, StoredRecord
from wikirank.index.vectors.server import ServerVectors
from wikirank.types import Passage

_MAX_THREADS = 32
_BATCH_SIZE = 1000

_Result = TypeVar("_Result")


class ShardedVectors(ServedVectors):
    """Passage vectors in collections on several Chroma servers.

    Args:
        shards: One collection per server, in the recorded order of the servers.
        store: The index's store, which records the server of each source.

    Raises:
        InvalidArgumentError: If two collections are the same.
    """

    def __init__(self, shards: Sequence[ServerVectors], store: PassageStore) -> None:
        self._shards = list(shards)
        self._store = store
        if len({shard.collection_id for shard in shards}) < len(shards):
            msg = "Expected different Chroma servers, got two addresses of the same server."
            raise InvalidArgumentError(msg)
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Create the threads of this process."""
        self._pool = ThreadPoolExecutor(
            min(_MAX_THREADS, 4 * len(self._shards)), thread_name_prefix="wikirank-chroma"
        )

    def server_of(self, source: str) -> int | None:
        """Return the index of a source's server; None if it has none yet."""
        position: int | None = self._store.read_meta().get(_key(source))
        return position

    @override
    def reset(self) -> None:
        self._map(lambda shard: shard.reset())

    @override
    def close(self) -> None:
        self._pool.shutdown()

    @override
    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        sources = sorted({passage.source for passage in passages})
        servers = {source: self._assign_server(source) for source in sources}
        passage_servers = np.array([servers[passage.source] for passage in passages])
        for position, shard in enumerate(self._shards):
            rows = np.flatnonzero(passage_servers == position)
            if len(rows):
                shard.upsert([passages[int(row)] for row in rows], vectors[rows])

    def _assign_server(self, source: str) -> int:
        """Return a source's server; a new source gets the one with the fewest passages."""
        position = self.server_of(source)
        if position is None:
            counts = self._map(lambda shard: shard.count())
            position = counts.index(min(counts))
            self._store.write_meta({_key(source): position})
        return position

    @override
    def delete(self, ids: Sequence[str]) -> None:
        self._map(lambda shard: shard.delete(ids))

    @override
    def search(
        self, vector: NDArray[np.float32], k: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Find the nearest passages on all servers, best first, ties by id."""
        return merge_hits(self._map(lambda shard: shard.search(vector, k, where)), k)

    @override
    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        answers = self._map(lambda shard: shard.similarities(vector, ids))
        return {id_: similarity for answer in answers for id_, similarity in answer.items()}

    @override
    def count(self) -> int:
        return sum(self._map(lambda shard: shard.count()))

    @override
    def get(self, ids: Sequence[str]) -> dict[str, StoredRecord]:
        """Return the stored records by id; a passage counts only on its source's server."""
        servers = self._servers(ids)
        return {
            id_: record
            for position, records in enumerate(self._map(lambda shard: shard.get(ids)))
            for id_, record in records.items()
            if servers.get(id_, position) == position
        }

    @override
    def ids(self) -> Iterator[str]:
        return chain.from_iterable(shard.ids() for shard in self._shards)

    @override
    def dimension(self) -> int | None:
        lengths = self._map(lambda shard: shard.dimension())
        return next((length for length in lengths if length is not None), None)

    def delete_misplaced(self) -> int:
        """Delete passages from servers other than their source's; returns the number."""
        # They only exist after a power failure, or if another program wrote to a server.
        misplaced = 0
        for position, shard in enumerate(self._shards):
            wrong = [
                id_
                for part in chunks(shard.ids(), _BATCH_SIZE)
                for id_, server in self._servers(part).items()
                if server != position
            ]
            shard.delete(wrong)
            misplaced += len(wrong)
        return misplaced

    def _servers(self, ids: Sequence[str]) -> dict[str, int | None]:
        """Return the servers by id, for ids that have a passage."""
        sources = self._store.sources_of(ids)
        recorded = self._store.read_meta()
        return {id_: recorded.get(_key(source)) for id_, source in sources.items()}

    def _map(self, function: Callable[[ServerVectors], _Result]) -> list[_Result]:
        """Call a function for all servers at once; returns the results in order."""
        return list(self._pool.map(function, self._shards))


def merge_hits(answers: Iterable[Sequence[tuple[str, float]]], k: int) -> list[tuple[str, float]]:
    """Return the k best hits of several lists, ties by id; an id keeps its best similarity."""
    best: dict[str, float] = {}
    for id_, similarity in chain.from_iterable(answers):
        best[id_] = max(similarity, best.get(id_, similarity))
    return nsmallest(k, best.items(), key=lambda hit: (-hit[1], hit[0]))


def _key(source: str) -> str:
    return f"server of {source}"

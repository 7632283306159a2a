"""The dense index over several Chroma servers, each of which holds whole sources.

Where a source's vectors lie is recorded in the index before the first of them is written, and
never changes. A question goes to all servers at once; their answers are merged by similarity.
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

_MOST_THREADS = 32
_AT_ONCE = 1000

_Result = TypeVar("_Result")


class ShardedVectors(ServedVectors):
    """Passage vectors in collections on several Chroma servers.

    Args:
        shards: The collections, in the order in which their servers were named.
        store: The index's store, where it is recorded which source lies in which.

    Raises:
        InvalidArgumentError: If two of them are the same collection.
    """

    def __init__(self, shards: Sequence[ServerVectors], store: PassageStore) -> None:
        self._shards = list(shards)
        self._store = store
        if len({shard.collection_id for shard in shards}) < len(shards):
            msg = "Two of the Chroma servers' addresses lead to the same server. Name each once."
            raise InvalidArgumentError(msg)
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Have threads of this process."""
        self._pool = ThreadPoolExecutor(
            min(_MOST_THREADS, 4 * len(self._shards)), thread_name_prefix="wikirank-chroma"
        )

    def home(self, source: str) -> int | None:
        """The position of the server that holds a source; None if none does yet."""
        position: int | None = self._store.read_meta().get(_key(source))
        return position

    @override
    def reset(self) -> None:
        self._ask(lambda shard: shard.reset())

    @override
    def close(self) -> None:
        self._pool.shutdown()

    @override
    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        homes = {source: self._settled(source) for source in sorted({p.source for p in passages})}
        shard_of = np.array([homes[passage.source] for passage in passages])
        for position, shard in enumerate(self._shards):
            rows = np.flatnonzero(shard_of == position)
            if len(rows):
                shard.upsert([passages[int(row)] for row in rows], vectors[rows])

    def _settled(self, source: str) -> int:
        """The server of a source; a new source gets the one that holds the fewest passages."""
        position = self.home(source)
        if position is None:
            counts = self._ask(lambda shard: shard.count())
            position = counts.index(min(counts))
            self._store.write_meta({_key(source): position})
        return position

    @override
    def delete(self, ids: Sequence[str]) -> None:
        self._ask(lambda shard: shard.delete(ids))

    @override
    def search(
        self, vector: NDArray[np.float32], k: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Find the nearest passages on all servers, best first, equal ones by id."""
        return merge_hits(self._ask(lambda shard: shard.search(vector, k, where)), k)

    @override
    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        answers = self._ask(lambda shard: shard.similarities(vector, ids))
        return {id_: similarity for answer in answers for id_, similarity in answer.items()}

    @override
    def count(self) -> int:
        return sum(self._ask(lambda shard: shard.count()))

    @override
    def get(self, ids: Sequence[str]) -> dict[str, StoredRecord]:
        """What is stored of these ids; of a passage, what its source's server has."""
        homes = self._homes(ids)
        return {
            id_: record
            for position, records in enumerate(self._ask(lambda shard: shard.get(ids)))
            for id_, record in records.items()
            if homes.get(id_, position) == position
        }

    @override
    def ids(self) -> Iterator[str]:
        return chain.from_iterable(shard.ids() for shard in self._shards)

    @override
    def dimension(self) -> int | None:
        lengths = self._ask(lambda shard: shard.dimension())
        return next((length for length in lengths if length is not None), None)

    def delete_misplaced(self) -> int:
        """Delete passages from servers that are not their source's; says how many."""
        # There are none but after a power failure, or where someone else wrote to a server.
        misplaced = 0
        for position, shard in enumerate(self._shards):
            wrong = [
                id_
                for part in chunks(shard.ids(), _AT_ONCE)
                for id_, home in self._homes(part).items()
                if home != position
            ]
            shard.delete(wrong)
            misplaced += len(wrong)
        return misplaced

    def _homes(self, ids: Sequence[str]) -> dict[str, int | None]:
        """The servers of those of the ids that have a passage."""
        sources = self._store.sources_of(ids)
        recorded = self._store.read_meta()
        return {id_: recorded.get(_key(source)) for id_, source in sources.items()}

    def _ask(self, question: Callable[[ServerVectors], _Result]) -> list[_Result]:
        """Put a question to all servers at once; their answers in order."""
        return list(self._pool.map(question, self._shards))


def merge_hits(answers: Iterable[Sequence[tuple[str, float]]], k: int) -> list[tuple[str, float]]:
    """The k best hits of several answers, equal ones by id; each id once, as its best."""
    best: dict[str, float] = {}
    for id_, similarity in chain.from_iterable(answers):
        best[id_] = max(similarity, best.get(id_, similarity))
    return nsmallest(k, best.items(), key=lambda hit: (-hit[1], hit[0]))


def _key(source: str) -> str:
    return f"server of {source}"

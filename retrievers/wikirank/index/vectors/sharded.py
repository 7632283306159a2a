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

from wikirank._util import chunks, renew_after_fork
from wikirank.errors import InvalidArgumentError
from wikirank.index.store import PassageStore
from wikirank.index.vectors.server import DenseIndex, HeldRecord
from wikirank.types import Passage

_MOST_THREADS = 32
_AT_ONCE = 1000

_Result = TypeVar("_Result")


class ShardedDense(DenseIndex):
    """Passage vectors in collections on several Chroma servers.

    Args:
        shards: The collections, in the order in which their servers were named.
        store: The index's store, where it is recorded which source lies in which.

    Raises:
        InvalidArgumentError: If two of them are the same collection.
    """

    def __init__(self, shards: Sequence[DenseIndex], store: PassageStore) -> None:
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

    def reset(self) -> None:
        """Drop all vectors, and begin with none."""
        self._ask(lambda shard: shard.reset())

    def close(self) -> None:
        """End the threads that ask the servers."""
        self._pool.shutdown()

    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        """Write passages and their vectors to the servers of their sources.

        Args:
            passages: The passages.
            vectors: Their unit vectors, shape (len(passages), dimension).
        """
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
            held = self._ask(lambda shard: shard.count())
            position = held.index(min(held))
            self._store.write_meta({_key(source): position})
        return position

    def delete(self, ids: Sequence[str]) -> None:
        """Delete passages wherever they are; unknown ids are passed over."""
        self._ask(lambda shard: shard.delete(ids))

    def search(
        self, vector: NDArray[np.float32], k: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Find the nearest passages on all servers.

        Args:
            vector: The query's unit vector, shape (dimension,).
            k: How many hits at the most.
            where: A normalised filter.

        Returns:
            Pairs of passage id and cosine similarity, best first, equal ones by id.
        """
        return merge_hits(self._ask(lambda shard: shard.search(vector, k, where)), k)

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Compare passages, on whatever servers they are, with a query.

        Args:
            vector: The query's vector, shape (dimension,).
            ids: Those of the passages; unknown ones are passed over.

        Returns:
            Cosine similarity by passage id.
        """
        answers = self._ask(lambda shard: shard.similarities(vector, ids))
        return {id_: similarity for answer in answers for id_, similarity in answer.items()}

    def count(self) -> int:
        """How many passages the servers hold."""
        return sum(self._ask(lambda shard: shard.count()))

    def records(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """All ids, documents and metadata, server by server."""
        return chain.from_iterable(shard.records() for shard in self._shards)

    def held(self, ids: Sequence[str]) -> dict[str, HeldRecord]:
        """What the servers hold of these ids; of a passage, what its source's server holds."""
        homes = self._homes(ids)
        found = self._ask(lambda shard: shard.held(ids))
        return {
            id_: record
            for position, held in enumerate(found)
            for id_, record in held.items()
            if homes.get(id_, position) == position
        }

    def ids(self) -> Iterator[str]:
        """All ids, server by server."""
        return chain.from_iterable(shard.ids() for shard in self._shards)

    def dimension(self) -> int | None:
        """Length of the vectors; None while there are none."""
        found = self._ask(lambda shard: shard.dimension())
        return next((length for length in found if length is not None), None)

    def delete_misplaced(self) -> int:
        """Delete passages from servers that are not their source's; says how many.

        There are none but after a power failure, or where someone else wrote to a server.
        """
        strays = 0
        for position, shard in enumerate(self._shards):
            wrong = [
                id_
                for part in chunks(shard.ids(), _AT_ONCE)
                for id_, home in self._homes(part).items()
                if home != position
            ]
            shard.delete(wrong)
            strays += len(wrong)
        return strays

    def _homes(self, ids: Sequence[str]) -> dict[str, int | None]:
        """The servers of those of the ids that have a passage."""
        sources = self._store.sources_of(ids)
        recorded = self._store.read_meta()
        return {id_: recorded.get(_key(source)) for id_, source in sources.items()}

    def _ask(self, question: Callable[[DenseIndex], _Result]) -> list[_Result]:
        """Put a question to all servers at once; their answers in order."""
        return list(self._pool.map(question, self._shards))


def merge_hits(answers: Iterable[Sequence[tuple[str, float]]], k: int) -> list[tuple[str, float]]:
    """Merge the hits of several servers.

    Args:
        answers: What each found: pairs of id and cosine similarity, at least its k best.
        k: How many to give at the most.

    Returns:
        The k best of all, best first, equal ones by id; an id once, with its best similarity.
    """
    best: dict[str, float] = {}
    for id_, similarity in chain.from_iterable(answers):
        best[id_] = max(similarity, best.get(id_, similarity))
    return nsmallest(k, best.items(), key=lambda hit: (-hit[1], hit[0]))


def named_servers(given: str | Sequence[str] | None) -> list[str]:
    """The addresses of Chroma servers, as a caller or an index's settings name them.

    Args:
        given: One address, several, or None.

    Returns:
        The addresses, in order; none for an index that keeps its vectors in its folder.

    Raises:
        InvalidArgumentError: If an address is named twice.
    """
    urls = [given] if isinstance(given, str) else list(given or ())
    for url in urls:
        if urls.count(url) > 1:
            msg = f"The Chroma server {url} is named twice. Name each once."
            raise InvalidArgumentError(msg)
    return urls


def as_setting(given: str | Sequence[str] | None) -> str | list[str] | None:
    """Servers as an index's settings name them: None for none, one as text, several as a list."""
    urls = named_servers(given)
    return urls if len(urls) > 1 else next(iter(urls), None)


def _key(source: str) -> str:
    return f"server of {source}"

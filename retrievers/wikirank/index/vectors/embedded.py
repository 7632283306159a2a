"""The dense index in the index's own folder, safe for several processes and for kills.

Chroma's embedded store is meant for one process: it keeps the search graph in memory, never sees
what another process writes, and writes the graph in place. So a lock keeps loading and writing
apart; who finds that another wrote since opens the store anew; and a mark on disk tells that a
process died while it wrote, so that a damaged graph, which would crash whoever loads it, is found.
"""

from __future__ import annotations

import os
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import chromadb
import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from typing_extensions import override

from wikirank._util import abandon, renew_after_fork
from wikirank.errors import IndexLockedError, IndexNotFoundError, IndexStorageError
from wikirank.index.vectors.chroma_store import ChromaSystem, WriteMark, repair_hint
from wikirank.index.vectors.hnsw_files import DATABASE, graph_backlog, graph_fault
from wikirank.index.vectors.server import ChromaVectors, chroma_failures
from wikirank.types import Passage

FOLDER = "chroma"
_LONGEST_WAIT = 120.0
# Loading a large graph for each batch that another process writes would leave time for little
# else: after a load that took over half a second, nine times as long passes before the next.
_QUICK_LOAD = 0.5
_SPARED = 9.0
# Chroma writes its whole graph after so many records, its default; a large graph after a twentieth
# of it, or a million passages would have a terabyte written.
_GRAPH_EVERY = 1000
_GRAPH_PART = 20
_AT_ONCE = 2  # The least that Chroma takes.
# Records not worth writing a large graph for, a thousandth: to catch up on them takes about as long
# as to write and to load it.
_BACKLOG_PART = 1000


class EmbeddedVectors(ChromaVectors):
    """Passage vectors in Chroma's own store, in the folder of an index.

    Args:
        folder: The index's folder.
        collection: Name of the collection.
        last_write: Tells who wrote to the index last.
        create: Make the collection where there is none.

    Raises:
        IndexStorageError: If Chroma cannot open its files, or the collection is not there and
            `create` is false.
    """

    def __init__(
        self,
        folder: Path,
        collection: str,
        last_write: Callable[[], WriteMark | None],
        *,
        create: bool = False,
    ) -> None:
        self._folder = folder
        self._last_write = last_write
        self._make_locks()
        self._mark = folder / "chroma.writing"
        self._written, self._paced_at = 0, _GRAPH_EVERY * _GRAPH_PART
        self._system: ChromaSystem | None = None
        renew_after_fork(self)
        database = folder / FOLDER / DATABASE
        if not create and not (database.is_file() and database.stat().st_size):
            raise IndexStorageError(self._damaged(f"{DATABASE} is missing or empty"))
        with chroma_failures():
            system = self._swap(last_write())
            try:
                super().__init__(system.client, system.collection(collection, create=create))
            except BaseException as err:
                self._retire()
                if isinstance(err, IndexNotFoundError):
                    raise IndexStorageError(self._damaged(str(err))) from err
                raise

    def _make_locks(self) -> None:
        self._lock = FileLock(self._folder / "chroma.lock")
        self._switch = threading.Lock()

    def after_fork(self) -> None:
        """Leave Chroma's store to the parent, whose threads it needs; the next call opens it."""
        abandon((self._system, self._lock))
        self._system = None
        self._make_locks()

    def _damaged(self, fault: str) -> str:
        return f"The vectors in {self._folder} are damaged: {fault}. {repair_hint(self._folder)}"

    @property
    @override
    def token(self) -> str:
        """One opening of Chroma's store."""
        return self._current().token

    @override
    @contextmanager
    def _use(self, *, write: bool = False) -> Iterator[chromadb.Collection]:
        system = self._current(take=True)
        try:
            if write:
                with self._writing(), chroma_failures():
                    yield system.collection(self._name)
            else:
                self._load(system)
                with chroma_failures():
                    yield system.collection(self._name)
        finally:
            self._release(system)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock, and leave a mark on disk unless all goes well."""
        with self._locked():
            self._mark.touch()
            yield
            self._mark.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not os.access(self._folder, os.W_OK):
            yield  # Nobody can write to it.
            return
        try:
            self._lock.acquire(timeout=_LONGEST_WAIT)
        except Timeout as err:
            msg = (
                f"Another process has kept the vectors of {self._folder} locked for "
                f"{_LONGEST_WAIT:.0f} s. Look whether it hangs, then retry."
            )
            raise IndexLockedError(msg) from err
        try:
            yield
        finally:
            self._lock.release()

    def _load(self, system: ChromaSystem) -> None:
        if system.loaded:
            return
        with self._locked():
            if fault := self.damage():
                raise IndexStorageError(self._damaged(fault))
            started = perf_counter()
            with chroma_failures():
                system.collection(self._name).get(limit=1, include=["embeddings"])
            system.load_seconds, system.loaded = perf_counter() - started, True

    @override
    def damage(self) -> str | None:
        """What is broken in the search graph on disk, which would crash Chroma; None if nothing."""
        # Of a large graph all is looked at only if a process died while it wrote.
        return graph_fault(self._folder / FOLDER, self._name, full=self._mark.exists())

    def mark_dirty(self) -> None:
        """Have the next who writes look for damage, as after a kill."""
        self._mark.touch()

    @override
    def refresh(self, *, anew: bool = False) -> bool:
        mark = self._last_write()
        with self._switch:
            is_old = anew or self._system is None or not self._system.knows(mark)
            if is_old:
                self._swap(mark, anew=True)
            return is_old

    @override
    def reset(self) -> None:
        with self._locked(), self._switch:
            self._retire()
            shutil.rmtree(self._folder / FOLDER, ignore_errors=True)
            self._mark.unlink(missing_ok=True)
            with chroma_failures():
                self._swap(None, anew=True).collection(self._name, create=True)

    @override
    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        super().upsert(passages, vectors)
        self._written += len(passages)
        if self._written >= self._paced_at:
            self._tune_sync_threshold()

    def _tune_sync_threshold(self) -> None:
        """Have Chroma write a graph that has doubled half as often."""
        count = self.count()
        if self._graph_every() <= count // (2 * _GRAPH_PART):
            self._write_graph_every(count // _GRAPH_PART)
            self.refresh(anew=True)  # Only a store opened since goes by it.
        self._written, self._paced_at = 0, max(self._paced_at, count)

    @override
    def write_graph(self, backlog: int) -> bool:
        # Else whoever opens the store adds what the graph lacks: 1,000 records in 0.3 s.
        every, count = self._graph_every(), self.count()
        lacking = graph_backlog(self._folder / FOLDER, self._name)
        if lacking >= max(backlog, count // _BACKLOG_PART):
            self._write_graph_every(_AT_ONCE)
            self.refresh(anew=True)  # Only a store opened since goes by it.
            self._rewrite_one()
        elif every != _AT_ONCE:
            return False
        if every == _AT_ONCE:  # A kill left it so.
            every = max(_GRAPH_EVERY, count // _GRAPH_PART)
        self._write_graph_every(every)
        self.refresh(anew=True)
        return True

    def _graph_every(self) -> int:
        """After how many records Chroma writes the graph."""
        with self._use(write=True) as collection:
            return int(collection.configuration_json["hnsw"]["sync_threshold"])

    def _write_graph_every(self, records: int) -> None:
        with self._use(write=True) as collection, warnings.catch_warnings():
            # Of the embedding function, which our collections do not have.
            warnings.simplefilter("ignore", DeprecationWarning)
            collection.modify(configuration={"hnsw": {"sync_threshold": records}})

    def _rewrite_one(self) -> None:
        """Write a record as it is: any write has Chroma look whether to write the graph."""
        with self._use(write=True) as collection:
            one = collection.get(limit=1, include=["documents", "metadatas", "embeddings"])
            if one["ids"]:
                collection.upsert(
                    ids=one["ids"],
                    documents=one["documents"],
                    metadatas=one["metadatas"],
                    embeddings=one["embeddings"],
                )

    @override
    def close(self) -> None:
        """Close Chroma's files; the next call opens them again."""
        with self._switch:
            self._retire()

    def _current(self, *, take: bool = False) -> ChromaSystem:
        mark = self._last_write()
        with self._switch:
            system = self._system
            if system is None or not (system.knows(mark) or self._is_spared(system)):
                system = self._swap(mark)
            if take:
                system.users += 1
            return system

    def _is_spared(self, system: ChromaSystem) -> bool:
        since = perf_counter() - system.opened_at
        return system.load_seconds > _QUICK_LOAD and since < _SPARED * system.load_seconds

    def _swap(self, mark: WriteMark | None, *, anew: bool = False) -> ChromaSystem:
        self._retire()
        with chroma_failures():
            self._system = ChromaSystem(self._folder / FOLDER, mark, anew=anew)
        return self._system

    def _retire(self) -> None:
        """Close the store once nobody uses it."""
        system, self._system = self._system, None
        if system is not None:
            system.retired = True
            if system.users == 0:
                system.close()

    def _release(self, system: ChromaSystem) -> None:
        with self._switch:
            system.users -= 1
            if system.retired and system.users == 0:
                system.close()

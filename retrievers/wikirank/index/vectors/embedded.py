"""The dense index in the index's own folder, safe for several processes and for kills.

Chroma's embedded store is made for one process: it keeps the search graph in memory, never sees
what another process writes, and writes the graph in place. Therefore:

- A lock keeps loading and writing apart.
- A process that notices a write of another process opens the store again.
- A marker file shows that a process was killed while it wrote. Then the graph is checked before
  it is loaded, because loading a damaged one crashes the process.
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
from wikirank.index.vectors.chroma_store import ChromaSystem, LastWrite, repair_hint
from wikirank.index.vectors.hnsw_files import DATABASE, graph_backlog, graph_fault
from wikirank.index.vectors.server import ChromaVectors, chroma_failures
from wikirank.types import Passage

FOLDER = "chroma"
_LOCK_TIMEOUT = 120.0
# Loading a large graph after each batch of another process would take most of the time. If a load
# took more than half a second, the next one comes nine times as long after it at the earliest.
_SLOW_LOAD = 0.5
_LOAD_PAUSE = 9.0
# Chroma writes its whole graph after so many records (its default), and a large graph after a
# twentieth of its size. Otherwise a million passages would write a terabyte.
_SYNC_THRESHOLD = 1000
_SYNC_FRACTION = 20
_MIN_SYNC_THRESHOLD = 2  # Chroma's minimum
# A large graph may lack a thousandth of its records: adding them at the next opening takes about as
# long as writing and loading the graph.
_BACKLOG_FRACTION = 1000


class EmbeddedVectors(ChromaVectors):
    """Passage vectors in Chroma's embedded store, in the folder of an index.

    Args:
        folder: Folder of the index.
        collection: Name of the collection.
        last_write: Returns the last write to the index, see `PassageStore.last_write`.
        create: Create the collection if it does not exist.

    Raises:
        IndexStorageError: If Chroma cannot open its files, or the collection does not exist and
            `create` is false.
    """

    def __init__(
        self,
        folder: Path,
        collection: str,
        last_write: Callable[[], LastWrite | None],
        *,
        create: bool = False,
    ) -> None:
        self._folder = folder
        self._last_write = last_write
        self._create_locks()
        self._dirty_marker = folder / "chroma.writing"
        self._written_since_tuning, self._tune_at = 0, _SYNC_THRESHOLD * _SYNC_FRACTION
        self._system: ChromaSystem | None = None
        renew_after_fork(self)
        database = folder / FOLDER / DATABASE
        if not create and not (database.is_file() and database.stat().st_size):
            raise IndexStorageError(self._damaged_message(f"{DATABASE} is missing or empty"))
        with chroma_failures():
            system = self._reopen(last_write())
            try:
                super().__init__(system.client, system.collection(collection, create=create))
            except BaseException as err:
                self._retire()
                if isinstance(err, IndexNotFoundError):
                    raise IndexStorageError(self._damaged_message(str(err))) from err
                raise

    def _create_locks(self) -> None:
        self._lock = FileLock(self._folder / "chroma.lock")
        self._switch = threading.Lock()

    def after_fork(self) -> None:
        """Open the store again at the next call; the parent's needs the parent's threads."""
        abandon((self._system, self._lock))
        self._system = None
        self._create_locks()

    def _damaged_message(self, fault: str) -> str:
        return f"The vectors in {self._folder} are damaged: {fault}. {repair_hint(self._folder)}"

    @property
    @override
    def token(self) -> str:
        """Identifies one opening of Chroma's store."""
        return self._current().token

    @override
    @contextmanager
    def _use(self, *, write: bool = False) -> Iterator[chromadb.Collection]:
        system = self._current(acquire=True)
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
        """Hold the lock; leave a marker file unless the block succeeds."""
        with self._locked():
            self._dirty_marker.touch()
            yield
            self._dirty_marker.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not os.access(self._folder, os.W_OK):
            yield  # No process can write to it.
            return
        try:
            self._lock.acquire(timeout=_LOCK_TIMEOUT)
        except Timeout as err:
            msg = (
                f"Another process has locked the vectors of {self._folder} for more than "
                f"{_LOCK_TIMEOUT:.0f} s. Check whether it hangs, then try again."
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
                raise IndexStorageError(self._damaged_message(fault))
            started = perf_counter()
            with chroma_failures():
                system.collection(self._name).get(limit=1, include=["embeddings"])
            system.load_seconds, system.loaded = perf_counter() - started, True

    @override
    def damage(self) -> str | None:
        """Return what is damaged in the search graph on disk, which would crash Chroma."""
        # A large graph is checked completely only if a process was killed while it wrote.
        return graph_fault(self._folder / FOLDER, self._name, full=self._dirty_marker.exists())

    def mark_dirty(self) -> None:
        """Have the next writer check for damage, as after a kill."""
        self._dirty_marker.touch()

    @override
    def refresh(self, *, force: bool = False) -> bool:
        last_write = self._last_write()
        with self._switch:
            is_stale = force or self._system is None or not self._system.knows(last_write)
            if is_stale:
                self._reopen(last_write, force=True)
            return is_stale

    @override
    def reset(self) -> None:
        with self._locked(), self._switch:
            self._retire()
            shutil.rmtree(self._folder / FOLDER, ignore_errors=True)
            self._dirty_marker.unlink(missing_ok=True)
            with chroma_failures():
                self._reopen(None, force=True).collection(self._name, create=True)

    @override
    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        super().upsert(passages, vectors)
        self._written_since_tuning += len(passages)
        if self._written_since_tuning >= self._tune_at:
            self._tune_sync_threshold()

    def _tune_sync_threshold(self) -> None:
        """Have Chroma write the graph half as often once it has doubled."""
        count = self.count()
        if self._sync_threshold() <= count // (2 * _SYNC_FRACTION):
            self._set_sync_threshold(count // _SYNC_FRACTION)
            self.refresh(force=True)  # The threshold is read when the store is opened.
        self._written_since_tuning, self._tune_at = 0, max(self._tune_at, count)

    @override
    def write_graph(self, backlog: int) -> bool:
        # Records that the graph lacks are added at the next opening: 1,000 in 0.3 s.
        threshold, count = self._sync_threshold(), self.count()
        lacking = graph_backlog(self._folder / FOLDER, self._name)
        if lacking >= max(backlog, count // _BACKLOG_FRACTION):
            self._set_sync_threshold(_MIN_SYNC_THRESHOLD)
            self.refresh(force=True)  # The threshold is read when the store is opened.
            self._rewrite_record()
        elif threshold != _MIN_SYNC_THRESHOLD:
            return False
        if threshold == _MIN_SYNC_THRESHOLD:  # left by a kill
            threshold = max(_SYNC_THRESHOLD, count // _SYNC_FRACTION)
        self._set_sync_threshold(threshold)
        self.refresh(force=True)
        return True

    def _sync_threshold(self) -> int:
        """Return after how many records Chroma writes the graph."""
        with self._use(write=True) as collection:
            return int(collection.configuration_json["hnsw"]["sync_threshold"])

    def _set_sync_threshold(self, records: int) -> None:
        with self._use(write=True) as collection, warnings.catch_warnings():
            # Chroma warns about the embedding function, which our collections do not have.
            warnings.simplefilter("ignore", DeprecationWarning)
            collection.modify(configuration={"hnsw": {"sync_threshold": records}})

    def _rewrite_record(self) -> None:
        """Write a record unchanged: at any write Chroma checks whether to write the graph."""
        with self._use(write=True) as collection:
            record = collection.get(limit=1, include=["documents", "metadatas", "embeddings"])
            if record["ids"]:
                collection.upsert(
                    ids=record["ids"],
                    documents=record["documents"],
                    metadatas=record["metadatas"],
                    embeddings=record["embeddings"],
                )

    @override
    def close(self) -> None:
        """Close Chroma's files; the next call opens them again."""
        with self._switch:
            self._retire()

    def _current(self, *, acquire: bool = False) -> ChromaSystem:
        last_write = self._last_write()
        with self._switch:
            system = self._system
            if system is None or not (system.knows(last_write) or self._defers_load(system)):
                system = self._reopen(last_write)
            if acquire:
                system.users += 1
            return system

    def _defers_load(self, system: ChromaSystem) -> bool:
        age = perf_counter() - system.opened_at
        return system.load_seconds > _SLOW_LOAD and age < _LOAD_PAUSE * system.load_seconds

    def _reopen(self, last_write: LastWrite | None, *, force: bool = False) -> ChromaSystem:
        self._retire()
        with chroma_failures():
            self._system = ChromaSystem(self._folder / FOLDER, last_write, force=force)
        return self._system

    def _retire(self) -> None:
        """Close the store, now or after its last use."""
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

"""Open Chroma's embedded store again to see what another process wrote.

Chroma keeps one "system" per path and process and shares it among clients. A system never reads its
files again, not even after it failed to open them or they were deleted. A path with `/.` appended
is a new path to Chroma, and the same path to the operating system.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from itertools import count
from pathlib import Path
from time import perf_counter

import chromadb
from chromadb.errors import ChromaError

from wikirank._util import ForkSafeLock
from wikirank.errors import IndexStorageError
from wikirank.index.vectors.hnsw_files import DATABASE
from wikirank.index.vectors.server import embedded_client, open_collection

# The token of the last writer of an index, and the number of writes.
LastWrite = tuple[str, int]

_lock = ForkSafeLock()
# By path of a system: the last write it has seen, its token, and the number of its users.
_last_writes: dict[str, LastWrite | None] = {}
_tokens: dict[str, str] = {}
_users: Counter[str] = Counter()
# Paths whose systems cannot be used: Chroma failed to open them, or cannot close them.
_unusable: set[str] = set()


def repair_hint(folder: Path) -> str:
    """Return what to do about damaged vectors of the index in a folder."""
    return f"Rebuild the vectors from the passages: wikirank verify --index {folder} --repair"


class ChromaSystem:
    """Chroma's store, opened after a known write to the index.

    Args:
        folder: Chroma's folder.
        last_write: The last write at that time; None if there was none.
        force: Read the files again even if a system of this process has seen the write.
    """

    def __init__(self, folder: Path, last_write: LastWrite | None, *, force: bool = False) -> None:
        # Without a database, an open system belongs to an index that was deleted.
        force = force or not (folder / DATABASE).exists()
        with _lock:
            self._path = _system_path(str(folder), last_write, force=force)
            _last_writes[self._path] = self._last_write = last_write
            _users[self._path] += 1
            self.token = _tokens[self._path]
        try:
            self.client = embedded_client(self._path)
        except BaseException as err:
            self._remove_user()
            _unusable.add(self._path)
            if not isinstance(err, Exception) or isinstance(err, ChromaError):
                raise
            msg = f"Chroma cannot open its files in {folder} ({err}). {repair_hint(folder.parent)}"
            raise IndexStorageError(msg) from err
        self._collections: dict[str, chromadb.Collection] = {}
        self.opened_at = perf_counter()
        self.load_seconds = 0.0
        self.loaded = False
        self.users = 0
        self.retired = False

    def knows(self, write: LastWrite | None) -> bool:
        """Whether it has seen a write: one of its own, or one from before it was opened."""
        return write == self._last_write or (write is not None and write[0] == self.token)

    def collection(self, name: str, *, create: bool = False) -> chromadb.Collection:
        """Return a collection; IndexNotFoundError if it does not exist and `create` is false."""
        if name not in self._collections:
            self._collections[name] = open_collection(self.client, name, create=create)
        return self._collections[name]

    def close(self) -> None:
        """Close the files unless another client of this process uses them."""
        close = getattr(self.client, "close", None)
        if close is None:  # Before version 1.1 Chroma cannot close what it opened.
            _unusable.add(self._path)
        else:
            close()
        self._remove_user()

    def _remove_user(self) -> None:
        with _lock:
            _users[self._path] -= 1


def _system_path(folder: str, write: LastWrite | None, *, force: bool) -> str:
    """Return a path without a system, or whose system has seen the last write."""
    # The plain path is left to the user: Chroma refuses two clients of it with different settings.
    for number in count(1):
        path = folder + "/." * number
        if path in _unusable:
            continue
        if not _users[path]:
            _tokens[path] = uuid.uuid4().hex
            return path
        if not force and (write == _last_writes[path] or (write and write[0] == _tokens[path])):
            return path
    raise AssertionError


def _after_fork() -> None:
    """Forget the parent's systems; see `wikirank.index.vectors.forked`."""
    for opened in (_last_writes, _tokens, _users, _unusable):
        opened.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""Chroma's embedded store opened, so that what another process wrote since can be seen.

Chroma keeps one "system" a path and process, which it shares among clients and which never reads
its files again, also where it failed to open them or they were deleted since. A path with `/.`
appended is another path to Chroma and the same to the operating system.
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

# The token of who wrote to an index last, and how many writes there have been.
WriteMark = tuple[str, int]

_lock = ForkSafeLock()
# By the path that a system was opened by: the last write it knows of, its token, its holders.
_marks: dict[str, WriteMark | None] = {}
_tokens: dict[str, str] = {}
_holders: Counter[str] = Counter()
# Paths that Chroma failed to open, or whose files were deleted.
_useless: set[str] = set()


def repair_hint(folder: Path) -> str:
    """What to do about damaged vectors of the index in a folder."""
    return f"Make the vectors again from the passages: wikirank verify --index {folder} --repair"


class ChromaSystem:
    """Chroma's store, opened at a time when `mark` was the last write to the index.

    Args:
        folder: Chroma's folder.
        mark: The last write; None if there was none.
        anew: Whether to read the files again even if a system of this process knows the write.
    """

    def __init__(self, folder: Path, mark: WriteMark | None, *, anew: bool = False) -> None:
        anew = anew or not (folder / DATABASE).exists()  # What Chroma has is of a deleted index.
        with _lock:
            self._path = _path_that_knows(str(folder), mark, anew=anew)
            _marks[self._path] = self._mark = mark
            _holders[self._path] += 1
            self.token = _tokens[self._path]
        try:
            self.client = embedded_client(self._path)
        except BaseException as err:
            self._give_back()
            _useless.add(self._path)
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

    def knows(self, mark: WriteMark | None) -> bool:
        """Whether it has seen a write: its own, or one before it was opened."""
        return mark == self._mark or (mark is not None and mark[0] == self.token)

    def collection(self, name: str, *, create: bool = False) -> chromadb.Collection:
        """A collection of it; IndexNotFoundError if there is none and `create` is false."""
        if name not in self._collections:
            self._collections[name] = open_collection(self.client, name, create=create)
        return self._collections[name]

    def close(self) -> None:
        """Give its files free, where no other client of this process uses them."""
        close = getattr(self.client, "close", None)
        if close is None:  # Chroma has had it since 1.1; before it keeps what it opened.
            _useless.add(self._path)
        else:
            close()
        self._give_back()

    def _give_back(self) -> None:
        with _lock:
            _holders[self._path] -= 1


def _path_that_knows(folder: str, mark: WriteMark | None, *, anew: bool) -> str:
    """A path whose system, if Chroma has one, has seen the last write."""
    # The plain path is left to the user: Chroma refuses two clients of one with other settings.
    for turn in count(1):
        path = folder + "/." * turn
        if path in _useless:
            continue
        if not _holders[path]:
            _tokens[path] = uuid.uuid4().hex
            return path
        if not anew and (mark == _marks[path] or (mark and mark[0] == _tokens[path])):
            return path
    raise AssertionError


def _after_fork() -> None:
    """A forked child has opened nothing yet; see `wikirank.index.vectors.forked`."""
    for opened in (_marks, _tokens, _holders, _useless):
        opened.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""Chroma's embedded store opened, so that what another process wrote since can be seen.

Chroma keeps one "system" a path and process, which it shares among clients and which never reads
its files again. A path with `/.` appended is another path to Chroma and the same to the system.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from itertools import count
from pathlib import Path
from time import perf_counter

import chromadb

from wikirank.index.vectors.server import embedded_client, open_collection

# The token of who wrote to an index last, and how many writes there have been.
WriteMark = tuple[str, int]

_lock = threading.Lock()
# By the path that a system was opened by: the last write it knows of, its token, its holders.
_marks: dict[str, WriteMark | None] = {}
_tokens: dict[str, str] = {}
_holders: Counter[str] = Counter()


class ChromaSystem:
    """Chroma's store, opened at a time when `mark` was the last write to the index.

    Args:
        folder: Chroma's folder.
        mark: The last write; None if there was none.
        anew: Whether to read the files again even if a system of this process knows the write.
    """

    def __init__(self, folder: Path, mark: WriteMark | None, *, anew: bool = False) -> None:
        with _lock:
            self._path = _path_that_knows(str(folder), mark, anew=anew)
            _marks[self._path] = self._mark = mark
            _holders[self._path] += 1
            self.token = _tokens[self._path]
        try:
            self.client = embedded_client(self._path)
        except BaseException:
            self._give_back()
            raise
        self._collections: dict[str, chromadb.Collection] = {}
        self.opened_at = perf_counter()
        self.load_seconds = 0.0
        self.loaded = False
        self.users = 0
        self.retired = False

    def knows(self, mark: WriteMark | None) -> bool:
        """Whether it has seen a write: its own, or one before it was opened."""
        return mark is None or mark == self._mark or mark[0] == self.token

    def collection(self, name: str, *, create: bool = False) -> chromadb.Collection:
        """A collection of it; IndexNotFoundError if there is none and `create` is false."""
        if name not in self._collections:
            self._collections[name] = open_collection(self.client, name, create=create)
        return self._collections[name]

    def close(self) -> None:
        """Give its files free, where no other client of this process uses them."""
        close = getattr(self.client, "close", None)
        if close is not None:  # Chroma has had it since 1.1.
            close()
        self._give_back()

    def _give_back(self) -> None:
        with _lock:
            _holders[self._path] -= 1


def _path_that_knows(folder: str, mark: WriteMark | None, *, anew: bool) -> str:
    """A path whose system, if Chroma has one, has seen the last write."""
    for turn in count():
        path = folder + "/." * turn
        # Others may hold the plain path open; those with dots are ours alone.
        is_new = path not in _tokens or (turn > 0 and not _holders[path])
        if is_new:
            _tokens[path] = uuid.uuid4().hex
            return path
        if not anew and (mark in (None, _marks[path]) or (mark and mark[0] == _tokens[path])):
            return path
    raise AssertionError

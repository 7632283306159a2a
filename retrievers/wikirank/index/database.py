"""A SQLite file for many threads: one connection per thread, errors raised as our own."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wikirank._util import Closing, abandon, block_forks, chunks, renew_after_fork
from wikirank.errors import IndexStorageError

_MIN_FREE_BYTES = 2**20
# SQLite's oldest limit on the parameters of one statement is 999.
_MAX_PARAMETERS = 900


class _Cursor(sqlite3.Cursor):
    """A cursor that raises our errors, and that forks wait for."""

    connection: _Connection

    def execute(self, sql: str, parameters: Any = ()) -> Self:
        with store_failures(self.connection.path), block_forks():
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Self:
        with store_failures(self.connection.path), block_forks():
            return super().executemany(sql, parameters)

    def __next__(self) -> Any:
        with store_failures(self.connection.path), block_forks():
            return super().__next__()

    def fetchone(self) -> Any:
        with store_failures(self.connection.path), block_forks():
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with store_failures(self.connection.path), block_forks():
            return super().fetchall()

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError), block_forks():  # Its connection may be closed.
            self.close()


class _Connection(sqlite3.Connection):
    """A connection that makes `_Cursor`s and closes with its last reference."""

    path = Path()

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        return self.cursor(_Cursor).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> sqlite3.Cursor:
        return self.cursor(_Cursor).executemany(sql, parameters)

    def close(self) -> None:
        with block_forks():
            super().close()

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # It may never have been opened.
            self.close()


class _Lease:
    """Lends a connection to a thread; freed with the thread's local storage."""

    def __init__(self, connection: _Connection, idle: deque[_Connection]) -> None:
        self.connection = connection
        self._idle = idle

    def __del__(self) -> None:
        self._idle.append(self.connection)


class Database(Closing):
    """A SQLite file with a write-ahead log and one connection per thread.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget_connections()
        renew_after_fork(self)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection; reused by another thread after this one ended."""
        lease: _Lease | None = getattr(self._local, "lease", None)
        if lease is None:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            lease = self._local.lease = _Lease(connection, self._idle)
        return lease.connection

    def _connect(self) -> _Connection:
        with store_failures(self._path), block_forks():
            connection = sqlite3.connect(
                self._path,
                timeout=30,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
        connection.path = self._path
        with self._lock:
            self._connections.append(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def after_fork(self) -> None:
        """Forget the parent's connections; closing one here would delete the parent's log."""
        for connection in self._connections:
            abandon(connection)
        self._forget_connections()

    def _forget_connections(self) -> None:
        self._local = threading.local()
        self._connections: list[_Connection] = []
        # Not closed: SQLite keeps the files of closed connections while another one is open.
        self._idle: deque[_Connection] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a write transaction; an exception rolls it back."""
        with store_failures(self._path):
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # On a full disk SQLite has rolled back already.
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._idle = deque()
        self._local = threading.local()

    def select_in(
        self, sql: str, keys: Iterable[str], parameters: Sequence[Any] = (), end: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """Run a statement that ends with `IN`, in several parts if there are many keys.

        Args:
            sql: The statement up to and including `IN`.
            keys: The values of the `IN` list.
            parameters: Parameters of the statement before the list.
            end: SQL after the list.

        Yields:
            One row at a time.
        """
        for part in chunks(keys, max(_MAX_PARAMETERS - len(parameters), _MAX_PARAMETERS // 2)):
            marks = ", ".join("?" * len(part))
            yield from self.connection.execute(f"{sql} ({marks}) {end}", [*parameters, *part])


class store_failures:  # noqa: N801 - used as a function; a generator would cost more a row
    """Raises SQLite's errors about its file, such as no space or damage, as our own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        err: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(err, sqlite3.DatabaseError):
            return
        if isinstance(err, (sqlite3.ProgrammingError, sqlite3.IntegrityError)):
            return
        msg = (
            f"{self._path} cannot be read or written ({err}). If the disk is full, free space and "
            "run the command again. If the file is read-only, allow writing. If it is damaged, "
            "wikirank verify says what can be repaired. Everything that was written before is kept."
        )
        raise IndexStorageError(msg) from err


def recovery_hint(path: Path) -> str:
    """Return what to do about a file that cannot be opened."""
    if not os.access(path.parent, os.W_OK):
        return "Even a search must write there: allow writing, or copy the index."
    if shutil.disk_usage(path.parent).free < _MIN_FREE_BYTES:
        return "The disk is full: free space and run the command again."
    return "Index the sources again into a new folder."

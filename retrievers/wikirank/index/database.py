"""A SQLite file that many threads read: one connection a thread, and errors of our own."""

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

_SCARCE = 2**20
# SQLite's oldest limit on the parameters of one statement is 999.
_MOST_KEYS = 900


class _Cursor(sqlite3.Cursor):
    """A cursor whose errors are ours, and which forks wait for."""

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
    """A connection of such cursors, which is closed with its last reference."""

    path = Path()

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        return self.cursor(_Cursor).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> sqlite3.Cursor:
        return self.cursor(_Cursor).executemany(sql, parameters)

    def close(self) -> None:
        with block_forks():
            super().close()

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # It could not even be opened.
            self.close()


class _Lease:
    """A thread's hold on a connection; it ends with the thread, whose storage has it."""

    def __init__(self, connection: _Connection, idle: deque[_Connection]) -> None:
        self.connection = connection
        self._idle = idle

    def __del__(self) -> None:
        self._idle.append(self.connection)


class Database(Closing):
    """A SQLite file, one connection a thread, write-ahead logged.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget_connections()
        renew_after_fork(self)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, which another thread gets when this one has ended."""
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
        """Forget the parent's connections: to close one here would take its log from the parent."""
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
        """One write transaction: all of it is kept, or on an exception none."""
        with store_failures(self._path):
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # On a full disk SQLite has ended it by itself.
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

    def among(
        self, sql: str, keys: Iterable[str], parameters: Sequence[Any] = (), end: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of a statement that ends with `IN`, of however many keys.

        Args:
            sql: The statement up to the keys.
            keys: What is to be among them.
            parameters: Those of the statement before the keys.
            end: What follows the keys.

        Yields:
            Row by row.
        """
        for part in chunks(keys, max(_MOST_KEYS - len(parameters), _MOST_KEYS // 2)):
            marks = ", ".join("?" * len(part))
            yield from self.connection.execute(f"{sql} ({marks}) {end}", [*parameters, *part])


class store_failures:  # noqa: N801 - used as a function; a generator would cost more a row
    """Makes errors of ours of what SQLite raises about its file: no space, read-only, damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Nothing is to be done."""

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
            f"{self._path} cannot be written or read ({err}). If its disk is full, free space, if "
            "it is read-only, allow writing, and run the same again; if it is damaged, wikirank "
            "verify says what can be mended. Nothing that was written before is lost."
        )
        raise IndexStorageError(msg) from err


def way_out(path: Path) -> str:
    """What to do about a file that cannot be opened."""
    if not os.access(path.parent, os.W_OK):
        return (
            "Nothing can be written there, which even a search needs: allow it, or copy the index."
        )
    if shutil.disk_usage(path.parent).free < _SCARCE:
        return "Its disk is full: free space, and run the same again."
    return "Index the sources again into a new folder."

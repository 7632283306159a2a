"""SQLite beside forks: no process is forked while another thread is in a call of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from wikirank._forks import forks_wait


class Cursor(sqlite3.Cursor):
    """A cursor that forks wait for."""

    def __next__(self) -> Any:
        with forks_wait():
            return super().__next__()

    def execute(self, sql: str, parameters: Any = ()) -> Self:
        with forks_wait():
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Self:
        with forks_wait():
            return super().executemany(sql, parameters)

    def fetchone(self) -> Any:
        with forks_wait():
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with forks_wait():
            return super().fetchall()

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError), forks_wait():  # Its connection may be closed.
            self.close()


class Connection(sqlite3.Connection):
    """A connection that forks wait for, and which is closed with its last reference."""

    cursor_class = Cursor

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        return self.cursor(self.cursor_class).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> sqlite3.Cursor:
        return self.cursor(self.cursor_class).executemany(sql, parameters)

    def __exit__(self, *exc_info: Any) -> Any:
        with forks_wait():
            return super().__exit__(*exc_info)

    def close(self) -> None:
        with forks_wait():
            super().close()

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # It could not even be opened.
            self.close()


_Connection = TypeVar("_Connection", bound=Connection)


def connect(database: str | Path, factory: type[_Connection], **options: Any) -> _Connection:
    """Open a database.

    Args:
        database: Its path, or a URI.
        factory: The class of the connection.
        **options: More of `sqlite3.connect`.

    Returns:
        The connection.
    """
    with forks_wait():
        connection: _Connection = sqlite3.connect(database, factory=factory, **options)
    return connection

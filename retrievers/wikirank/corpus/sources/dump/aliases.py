"""Store the redirects of a dump on disk: a large wiki has ten million."""

from __future__ import annotations

import sqlite3
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path

_MAX_ALIASES = 50  # of one page: they are stored with each of its passages
_MAX_DEPTH = 3  # of redirects to redirects


class Aliases:
    """Titles by the title they redirect to, in a temporary file deleted with the object.

    Args:
        first_letter: Whether the wiki ignores the case of a title's first letter.
    """

    def __init__(self, *, first_letter: bool = True) -> None:
        self._first_letter = first_letter
        folder = tempfile.TemporaryDirectory(prefix="wikirank-dump-")
        self._connection = sqlite3.connect(
            str(Path(folder.name) / "aliases.sqlite"), check_same_thread=False
        )
        self._close = weakref.finalize(self, _discard, self._connection, folder)
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE aliases (target TEXT NOT NULL, alias TEXT NOT NULL)"
        )

    def fill(self, redirects: Iterable[tuple[str, str]]) -> None:
        """Store all redirects, pairs of a title and its target."""
        self._connection.executemany(
            "INSERT INTO aliases VALUES (?, ?)",
            ((self._normalize(target), alias) for alias, target in redirects),
        )
        self._connection.execute("CREATE INDEX by_target ON aliases (target)")

    def of(self, title: str) -> list[str]:
        """Return the titles that redirect to a page, directly or through other redirects.

        At most 50 titles in the dump's order, direct redirects first.
        """
        aliases: dict[str, None] = {}
        titles = [title]
        for _ in range(_MAX_DEPTH):
            titles = [alias for target in titles for alias in self._direct(target)]
            titles = [alias for alias in titles if alias != title and alias not in aliases]
            if not titles:
                break
            aliases.update(dict.fromkeys(titles))
        return list(aliases)[:_MAX_ALIASES]

    def close(self) -> None:
        """Delete the temporary file."""
        self._close()

    def _direct(self, title: str) -> list[str]:
        rows = self._connection.execute(
            "SELECT alias FROM aliases WHERE target = ? ORDER BY rowid LIMIT ?",
            (self._normalize(title), _MAX_ALIASES),
        )
        return [row[0] for row in rows]

    def _normalize(self, title: str) -> str:
        title = " ".join(title.partition("#")[0].replace("_", " ").split())
        return title[:1].upper() + title[1:] if self._first_letter else title


def _discard(connection: sqlite3.Connection, folder: tempfile.TemporaryDirectory[str]) -> None:
    connection.close()
    folder.cleanup()

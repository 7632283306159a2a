"""The redirects of a dump, on disk: a large wiki has ten million."""

from __future__ import annotations

import sqlite3
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path

_MOST = 50  # aliases of one page that are kept: they go with each of its passages
_DEEPEST = 3  # redirects to redirects


class Aliases:
    """Titles by the title that they redirect to, in a temporary file that goes with the object.

    Args:
        first_letter: Whether the wiki takes the first letter of a title as a capital.
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
        """Take in redirects, pairs of a title and the title that it redirects to."""
        self._connection.executemany(
            "INSERT INTO aliases VALUES (?, ?)",
            ((self._normalised(target), alias) for alias, target in redirects),
        )
        self._connection.execute("CREATE INDEX by_target ON aliases (target)")

    def of(self, title: str) -> list[str]:
        """The titles that redirect to a page, also by way of other redirects.

        Args:
            title: The page's title.

        Returns:
            Up to 50 titles, in the dump's order, those that redirect directly first.
        """
        aliases: dict[str, None] = {}
        titles = [title]
        for _ in range(_DEEPEST):
            titles = [alias for known in titles for alias in self._direct(known)]
            titles = [alias for alias in titles if alias != title and alias not in aliases]
            if not titles:
                break
            aliases.update(dict.fromkeys(titles))
        return list(aliases)[:_MOST]

    def close(self) -> None:
        """Delete the temporary file."""
        self._close()

    def _direct(self, title: str) -> list[str]:
        rows = self._connection.execute(
            "SELECT alias FROM aliases WHERE target = ? ORDER BY rowid LIMIT ?",
            (self._normalised(title), _MOST),
        )
        return [row[0] for row in rows]

    def _normalised(self, title: str) -> str:
        title = " ".join(title.partition("#")[0].replace("_", " ").split())
        return title[:1].upper() + title[1:] if self._first_letter else title


def _discard(connection: sqlite3.Connection, folder: tempfile.TemporaryDirectory[str]) -> None:
    connection.close()
    folder.cleanup()

"""Caches of pages of live wikis, by revision: in memory and on disk."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from wikirank._util import ForkSafeLock, block_forks
from wikirank.types import Article

_LOGGER = logging.getLogger(__name__)
_FILE = "pages-1.sqlite"  # count up when the table changes
_MAX_BYTES = 256 * 2**20
_MAX_CHARS = 20_000_000
_BUSY_SECONDS = 1.0
_Result = TypeVar("_Result")
_TABLE = """
CREATE TABLE IF NOT EXISTS pages (
    wiki TEXT, page INTEGER, version TEXT, article BLOB, bytes INTEGER, used REAL,
    PRIMARY KEY (wiki, page)
)
"""


class RecentPages:
    """The pages used last, in memory, up to 20 million characters."""

    def __init__(self) -> None:
        self._pages: OrderedDict[int, Article] = OrderedDict()
        self._chars = 0

    def get(self, versions: Mapping[int, str]) -> dict[int, Article]:
        """Return the cached pages among `versions` (page id to version) in that version."""
        articles = {
            page: self._pages[page]
            for page, version in versions.items()
            if page in self._pages and self._pages[page].version == version
        }
        for page in articles:
            self._pages.move_to_end(page)
        return articles

    def put(self, articles: Mapping[int, Article]) -> None:
        """Add pages, and drop the least recently used ones beyond the limit."""
        for page, article in articles.items():
            if old := self._pages.pop(page, None):
                self._chars -= len(old.text)
            self._pages[page] = article
            self._chars += len(article.text)
        while self._chars > _MAX_CHARS:
            _, old = self._pages.popitem(last=False)
            self._chars -= len(old.text)


class PageCache:
    """Pages on disk, readable by the user only. Drops the least recently used beyond the limit.

    Processes may share it. If the file cannot be read or written, a warning is logged once, and
    the cache is not used any more.

    Args:
        folder: Folder of the file.
        wiki: URL of the wiki's API; separates the pages of different wikis.
        max_bytes: Limit on the compressed size of all pages; 256 MiB by default.
    """

    def __init__(self, folder: Path, wiki: str, max_bytes: int = _MAX_BYTES) -> None:
        self.path = folder / _FILE
        self._wiki = wiki
        self._max_bytes = max_bytes
        self._lock = ForkSafeLock()
        self._usable = True

    def get(self, versions: Mapping[int, str]) -> dict[int, Article]:
        """Return the cached pages among `versions` (page id to version) in that version."""
        return self._attempt(lambda connection: self._read(connection, versions)) or {}

    def put(self, articles: Mapping[int, Article]) -> None:
        """Add pages by id, in place of older versions."""
        if articles:
            self._attempt(lambda connection: self._write(connection, articles))

    def _read(
        self, connection: sqlite3.Connection, versions: Mapping[int, str]
    ) -> dict[int, Article]:
        articles: dict[int, Article] = {}
        for page, version in versions.items():
            key = (self._wiki, page, version)
            row = connection.execute(
                "SELECT article FROM pages WHERE wiki = ? AND page = ? AND version = ?", key
            ).fetchone()
            if row is None:
                continue
            articles[page] = Article(**json.loads(zlib.decompress(row[0])))
            connection.execute(
                "UPDATE pages SET used = ? WHERE wiki = ? AND page = ? AND version = ?",
                (time.time(), *key),
            )
        return articles

    def _write(self, connection: sqlite3.Connection, articles: Mapping[int, Article]) -> None:
        for page, article in articles.items():
            packed = zlib.compress(json.dumps(asdict(article)).encode())
            row = (self._wiki, page, article.version, packed, len(packed), time.time())
            connection.execute("REPLACE INTO pages VALUES (?, ?, ?, ?, ?, ?)", row)
        self._drop_oldest(connection)

    def _drop_oldest(self, connection: sqlite3.Connection) -> None:
        (total,) = connection.execute("SELECT coalesce(sum(bytes), 0) FROM pages").fetchone()
        excess = total - self._max_bytes
        for rowid, size in _oldest(connection) if excess > 0 else ():
            connection.execute("DELETE FROM pages WHERE rowid = ?", (rowid,))
            excess -= size
            if excess <= 0:
                break

    def _attempt(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """Run `work` in a transaction and return its result; None if the file is unusable."""
        with self._lock:
            if not self._usable:
                return None
            try:
                with block_forks(), closing(self._open()) as connection, connection:
                    connection.execute(_TABLE)
                    return work(connection)
            except (OSError, sqlite3.Error, zlib.error, ValueError, TypeError) as err:
                _LOGGER.warning("Pages are not cached in %s: %s", self.path, err)
                self._usable = False
                return None

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        return sqlite3.connect(self.path, timeout=_BUSY_SECONDS)


def _oldest(connection: sqlite3.Connection) -> Iterable[tuple[int, int]]:
    return connection.execute("SELECT rowid, bytes FROM pages ORDER BY used").fetchall()

"""The passages of an index, in one SQLite file.

Chroma and the lexical index return ids. An id without a row here does not exist. The ledger
(`ledger.py`) is in the same file, so that one transaction changes both.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wikirank.errors import IndexStorageError, InvalidArgumentError
from wikirank.index.database import Database, recovery_hint, store_failures
from wikirank.index.filters import FIELD_KEYS, LIST_MARK, named_keys, to_sql
from wikirank.passages.ids import stable_hash
from wikirank.types import Passage

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passages (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, article TEXT NOT NULL, number INTEGER NOT NULL,
    title TEXT NOT NULL, section TEXT NOT NULL, url TEXT NOT NULL, revision TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS passages_by_article ON passages (source, article, number);
CREATE INDEX IF NOT EXISTS passages_by_title ON passages (title COLLATE NOCASE);
CREATE INDEX IF NOT EXISTS passages_by_url ON passages (url);
CREATE TABLE IF NOT EXISTS metadata_keys (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sources (name TEXT PRIMARY KEY, location TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS articles (
    source TEXT NOT NULL, article TEXT NOT NULL, digest TEXT NOT NULL,
    content TEXT NOT NULL DEFAULT '', PRIMARY KEY (source, article)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""

# Tables of `SourceLedger`. They are not in TABLES, because an index without them is complete and
# can be opened on a read-only disk.
_LATER_TABLES = """
CREATE TABLE IF NOT EXISTS readings (
    source TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, report TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    source TEXT NOT NULL, article TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (source, article)
) WITHOUT ROWID;
"""
STORE_FILE = "wikirank.sqlite3"
TABLES = frozenset(re.findall(r"IF NOT EXISTS (\w+)", _SCHEMA))

_COLUMNS = (
    'id, source, article, number, title, section, url, revision, start, "end", text, metadata'
)


class PassageStore(Database):
    """Passages and ledger in SQLite.

    Args:
        path: The SQLite file; created with its tables if it does not exist.

    Raises:
        IndexStorageError: If the file is not a SQLite database or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            if not self._has_schema():
                self.connection.executescript(_SCHEMA)
        except (sqlite3.DatabaseError, IndexStorageError) as err:
            self.close()
            cause = err.__cause__ or err
            msg = (
                f"{path} cannot be opened as the index's database ({cause}). {recovery_hint(path)}"
            )
            raise IndexStorageError(msg) from err

    def _has_schema(self) -> bool:
        # An existing index is not written to when it is opened: its disk may be read-only.
        names = {name for (name,) in self.connection.execute("SELECT name FROM sqlite_master")}
        return names >= TABLES

    def read_meta(self) -> dict[str, Any]:
        """Return the recorded settings of the index."""
        rows = self.connection.execute("SELECT key, value FROM meta")
        return {key: _decoded(value, "setting", key) for key, value in rows}

    def write_meta(self, meta: Mapping[str, Any]) -> None:
        """Record settings; those with the same names are replaced."""
        rows = [(key, json.dumps(value)) for key, value in meta.items()]
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def upgrade(self) -> None:
        """Add the tables and columns that an index of an older version lacks."""
        with store_failures(self._path):
            self.connection.executescript(_LATER_TABLES)
        if not self.has_content():
            with self.transaction() as connection:
                connection.execute(
                    "ALTER TABLE articles ADD COLUMN content TEXT NOT NULL DEFAULT ''"
                )

    def last_write(self) -> tuple[str, int] | None:
        """Return the token of the last writer and the number of writes; None if there was none."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = 'last_write'").fetchone()
        if row is None:
            return None
        token, number = _decoded(row[0], "setting", "last_write")
        return token, number

    def get(self, ids: Sequence[str]) -> dict[str, Passage]:
        """Return passages by id; unknown ids are ignored."""
        rows = self.select_in(f"SELECT {_COLUMNS} FROM passages WHERE id IN", ids)
        return {row[0]: as_passage(row) for row in rows}

    def matching(self, ids: Sequence[str], where: Mapping[str, Any] | None) -> set[str]:
        """Return the ids that exist and match a normalised filter; None matches all."""
        condition, parameters = to_sql(where) if where else ("1", [])
        sql = f"SELECT id FROM passages WHERE ({condition}) AND id IN"
        return {row[0] for row in self.select_in(sql, ids, parameters)}

    def sources_of(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the source names by id; unknown ids are ignored."""
        return dict(self.select_in("SELECT id, source FROM passages WHERE id IN", ids))

    def adjacent(self, passage: Passage, reach: int) -> list[Passage]:
        """Return a passage and up to `reach` passages on each side in its section, in order."""
        sql = (
            f"SELECT {_COLUMNS} FROM passages WHERE source = ? AND article = ? AND section = ?"
            " AND number BETWEEN ? AND ? ORDER BY number"
        )
        low, high = passage.number - reach, passage.number + reach
        section = json.dumps(passage.section, ensure_ascii=False)
        rows = self.connection.execute(sql, (passage.source, passage.article, section, low, high))
        return [as_passage(row) for row in rows]

    def of_articles(self, source: str, articles: Sequence[str]) -> dict[str, Passage]:
        """Return all passages of some articles of a source, by id."""
        sql = f"SELECT {_COLUMNS} FROM passages WHERE source = ? AND article IN"
        return {row[0]: as_passage(row) for row in self.select_in(sql, articles, [source])}

    def select(self, condition: str, parameters: Sequence[Any] = ()) -> Iterator[Passage]:
        """Iterate over the passages that meet an SQL condition, by article, in reading order."""
        sql = f"SELECT {_COLUMNS} FROM passages WHERE {condition} ORDER BY source, article, number"
        for row in self.connection.execute(sql, parameters):
            yield as_passage(row)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Iterate over the rows of the table, by article, in reading order."""
        order = "ORDER BY source, article, number, id"
        yield from self.connection.execute(f"SELECT {_COLUMNS} FROM passages {order}")

    def has_content(self) -> bool:
        """Whether the ledger has a hash of each article's passages; older versions had none."""
        columns = self.connection.execute("PRAGMA table_info(articles)")
        return any(row[1] == "content" for row in columns)

    def known_keys(self) -> frozenset[str]:
        """Return the metadata keys that a filter can use."""
        rows = self.connection.execute("SELECT key FROM metadata_keys")
        return FIELD_KEYS | {row[0].removeprefix(LIST_MARK) for row in rows}

    def recorded_keys(self) -> frozenset[str]:
        """Return the metadata keys as recorded: keys of lists with `LIST_MARK`."""
        rows = self.connection.execute("SELECT key FROM metadata_keys")
        return frozenset(row[0] for row in rows)

    def uses_list_keys(self, where: Mapping[str, Any]) -> bool:
        """Whether a normalised filter uses a key with list values, which Chroma cannot search."""
        marked = {f"{LIST_MARK}{key}" for key in named_keys(where)}
        return not marked.isdisjoint(self.recorded_keys())

    def ids_where(self, where: Mapping[str, Any], limit: int) -> list[str]:
        """Return ids of passages that match a normalised filter, at most `limit`."""
        condition, parameters = to_sql(where)
        sql = f"SELECT id FROM passages WHERE {condition} LIMIT ?"
        return [row[0] for row in self.connection.execute(sql, [*parameters, limit])]

    def count(self) -> int:
        """Return the number of passages."""
        (number,) = self.connection.execute("SELECT count(*) FROM passages").fetchone()
        return int(number)

    def last_numbers(self, source: str, articles: Sequence[str]) -> dict[str, int]:
        """Return the highest passage number by article key, for articles with passages."""
        sql = "SELECT article, max(number) FROM passages WHERE source = ? AND article IN"
        return dict(self.select_in(sql, articles, [source], "GROUP BY article"))

    def is_empty(self) -> bool:
        """Whether the index has no passages."""
        return self.connection.execute("SELECT 1 FROM passages LIMIT 1").fetchone() is None

    def titles(self, limit: int) -> list[str]:
        """Return the first distinct titles, in the order written, at most `limit`."""
        rows = self.connection.execute("SELECT title FROM passages ORDER BY rowid")
        titles: dict[str, None] = {}
        for (title,) in rows:  # Stops reading early.
            if len(titles) >= limit:
                break
            if title:
                titles[title] = None
        return list(titles)


def insert_passages(connection: sqlite3.Connection, passages: Sequence[Passage]) -> None:
    """Write passages within the caller's transaction; those with the same ids are replaced."""
    marks = ", ".join("?" * 12)
    rows = [_row(passage) for passage in passages]
    connection.executemany(f"INSERT OR REPLACE INTO passages VALUES ({marks})", rows)
    from wikirank.index.metadata import filter_keys  # Not needed to search.

    keys = {key for passage in passages for key in filter_keys(passage.metadata)}
    connection.executemany(
        "INSERT OR IGNORE INTO metadata_keys VALUES (?)", [(key,) for key in sorted(keys)]
    )


def content_digest(connection: sqlite3.Connection, source: str, article: str) -> str:
    """Hash all stored passages of an article, to detect any loss or change."""
    sql = f"SELECT {_COLUMNS} FROM passages WHERE source = ? AND article = ? ORDER BY number, id"
    return stored_digest(connection.execute(sql, (source, article)))


def stored_digest(rows: Iterable[Sequence[Any]]) -> str:
    """Return the hash of `content_digest` for rows in the order of `PassageStore.rows`."""
    return stable_hash([list(row) for row in rows])


def record_write(connection: sqlite3.Connection, token: str) -> None:
    """Record a write for readers to notice, within the caller's transaction."""
    connection.execute(
        "INSERT INTO meta VALUES ('last_write', json_array(?, 1)) ON CONFLICT (key) DO UPDATE"
        " SET value = json_array(?, json_extract(value, '$[1]') + 1)",
        (token, token),
    )


def delete_passages(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Delete passages within the caller's transaction."""
    connection.executemany("DELETE FROM passages WHERE id = ?", [(i,) for i in ids])


def _row(passage: Passage) -> tuple[Any, ...]:
    try:
        metadata = json.dumps(dict(passage.metadata), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as err:
        msg = (
            f"The metadata of passage {passage.id!r} cannot be stored as JSON ({err}). "
            "Use strings, numbers, bools, None, and lists and dicts of them."
        )
        raise InvalidArgumentError(msg) from err
    return (
        passage.id,
        passage.source,
        passage.article,
        passage.number,
        passage.title,
        json.dumps(passage.section, ensure_ascii=False),
        passage.url,
        passage.revision,
        passage.start,
        passage.end,
        passage.text,
        metadata,
    )


def as_passage(row: Sequence[Any]) -> Passage:
    """Convert a row of `PassageStore.rows` to a passage; IndexStorageError if it is damaged."""
    id_, source, article, number, title, section, url, revision, start, end, text, metadata = row
    return Passage(
        id=id_,
        text=text,
        source=source,
        article=article,
        number=number,
        title=title,
        section=tuple(_decoded(section, "section of passage", id_)),
        url=url,
        revision=revision,
        start=start,
        end=end,
        metadata=_decoded(metadata, "metadata of passage", id_),
    )


def _decoded(value: str, what: str, name: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError) as err:
        msg = (
            f"Expected JSON as {what} {name!r} in the index's database, got something else: {err}. "
            "Run `wikirank verify --repair`."
        )
        raise IndexStorageError(msg) from err

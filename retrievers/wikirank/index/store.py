"""The passages of an index, in one SQLite file: dense and lexical index point to them.

Chroma and the lexical index answer with ids; what is not here does not exist. The ledger of what
was indexed (`ledger.py`) lives in the same file, so that one transaction moves both.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wikirank.errors import IndexStorageError, InvalidArgumentError
from wikirank.index.database import Database, store_failures, way_out
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

# What `SourceLedger` remembers of sources. Not among TABLES: an index without them is
# whole, and can be opened where nothing can be written.
_ADDED = """
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
    """Passages and their bookkeeping in SQLite.

    Args:
        path: The SQLite file; made with its tables where it does not exist.

    Raises:
        IndexStorageError: If the file is no SQLite database or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            if not self._has_schema():
                self.connection.executescript(_SCHEMA)
        except (sqlite3.DatabaseError, IndexStorageError) as err:
            self.close()
            cause = err.__cause__ or err
            msg = f"{path} cannot be opened as an index database ({cause}). {way_out(path)}"
            raise IndexStorageError(msg) from err

    def _has_schema(self) -> bool:
        # An index that is there is not written to: it may lie on a disk that allows no writing.
        names = {name for (name,) in self.connection.execute("SELECT name FROM sqlite_master")}
        return names >= TABLES

    def read_meta(self) -> dict[str, Any]:
        """The index's settings as they were recorded."""
        rows = self.connection.execute("SELECT key, value FROM meta")
        return {key: _decoded(value, "setting", key) for key, value in rows}

    def write_meta(self, meta: Mapping[str, Any]) -> None:
        """Record settings, over those of the same names."""
        rows = [(key, json.dumps(value)) for key, value in meta.items()]
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def upgrade(self) -> None:
        """Give an index that an older version made the tables and columns that have come since."""
        with store_failures(self._path):
            self.connection.executescript(_ADDED)
        if not self.has_content():
            with self.transaction() as connection:
                connection.execute(
                    "ALTER TABLE articles ADD COLUMN content TEXT NOT NULL DEFAULT ''"
                )

    def last_write(self) -> tuple[str, int] | None:
        """Who wrote to the index last, and how many writes there have been; None if none."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = 'last_write'").fetchone()
        if row is None:
            return None
        token, turn = _decoded(row[0], "setting", "last_write")
        return token, turn

    def get(self, ids: Sequence[str]) -> dict[str, Passage]:
        """The passages of these ids that exist, by id."""
        rows = self.among(f"SELECT {_COLUMNS} FROM passages WHERE id IN", ids)
        return {row[0]: as_passage(row) for row in rows}

    def matching(self, ids: Sequence[str], where: Mapping[str, Any] | None) -> set[str]:
        """Those of the ids that exist and pass a normalised filter."""
        condition, parameters = to_sql(where) if where else ("1", [])
        sql = f"SELECT id FROM passages WHERE ({condition}) AND id IN"
        return {row[0] for row in self.among(sql, ids, parameters)}

    def sources_of(self, ids: Sequence[str]) -> dict[str, str]:
        """The sources of those of the ids that exist, by id."""
        return dict(self.among("SELECT id, source FROM passages WHERE id IN", ids))

    def adjacent(self, passage: Passage, reach: int) -> list[Passage]:
        """A passage and up to `reach` before and after it in its section, in reading order."""
        sql = (
            f"SELECT {_COLUMNS} FROM passages WHERE source = ? AND article = ? AND section = ?"
            " AND number BETWEEN ? AND ? ORDER BY number"
        )
        low, high = passage.number - reach, passage.number + reach
        section = json.dumps(passage.section, ensure_ascii=False)
        rows = self.connection.execute(sql, (passage.source, passage.article, section, low, high))
        return [as_passage(row) for row in rows]

    def of_articles(self, source: str, articles: Sequence[str]) -> dict[str, Passage]:
        """All passages of some articles of a source, by id."""
        sql = f"SELECT {_COLUMNS} FROM passages WHERE source = ? AND article IN"
        return {row[0]: as_passage(row) for row in self.among(sql, articles, [source])}

    def select(self, condition: str, parameters: Sequence[Any] = ()) -> Iterator[Passage]:
        """The passages that meet an SQL condition, article by article, in reading order."""
        sql = f"SELECT {_COLUMNS} FROM passages WHERE {condition} ORDER BY source, article, number"
        for row in self.connection.execute(sql, parameters):
            yield as_passage(row)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The table's rows as they are stored, article by article, in reading order."""
        order = "ORDER BY source, article, number, id"
        yield from self.connection.execute(f"SELECT {_COLUMNS} FROM passages {order}")

    def has_content(self) -> bool:
        """Whether the ledger keeps a hash of each article's passages; older ones do not."""
        columns = self.connection.execute("PRAGMA table_info(articles)")
        return any(row[1] == "content" for row in columns)

    def known_keys(self) -> frozenset[str]:
        """The metadata keys that a filter may name."""
        rows = self.connection.execute("SELECT key FROM metadata_keys")
        return FIELD_KEYS | {row[0].removeprefix(LIST_MARK) for row in rows}

    def recorded_keys(self) -> frozenset[str]:
        """The metadata keys as they are recorded, those of lists with their mark."""
        rows = self.connection.execute("SELECT key FROM metadata_keys")
        return frozenset(row[0] for row in rows)

    def names_lists(self, where: Mapping[str, Any]) -> bool:
        """Whether a normalised filter names a key that has lists, in which Chroma looks not."""
        marked = {f"{LIST_MARK}{key}" for key in named_keys(where)}
        return not marked.isdisjoint(self.recorded_keys())

    def ids_where(self, where: Mapping[str, Any], limit: int) -> list[str]:
        """Ids of passages that pass a normalised filter, at most `limit`."""
        condition, parameters = to_sql(where)
        sql = f"SELECT id FROM passages WHERE {condition} LIMIT ?"
        return [row[0] for row in self.connection.execute(sql, [*parameters, limit])]

    def count(self) -> int:
        """How many passages the index holds."""
        (number,) = self.connection.execute("SELECT count(*) FROM passages").fetchone()
        return int(number)

    def last_numbers(self, source: str, articles: Sequence[str]) -> dict[str, int]:
        """The highest number of a passage of each of the articles that has passages."""
        sql = "SELECT article, max(number) FROM passages WHERE source = ? AND article IN"
        return dict(self.among(sql, articles, [source], "GROUP BY article"))

    def is_empty(self) -> bool:
        """Whether the index holds no passage."""
        return self.connection.execute("SELECT 1 FROM passages LIMIT 1").fetchone() is None

    def titles(self, limit: int) -> list[str]:
        """The titles of the first articles written: at most `limit`, none twice, none empty."""
        rows = self.connection.execute("SELECT title FROM passages ORDER BY rowid")
        titles: dict[str, None] = {}
        for (title,) in rows:  # Read only as far as it takes.
            if len(titles) >= limit:
                break
            if title:
                titles[title] = None
        return list(titles)


def insert_passages(connection: sqlite3.Connection, passages: Sequence[Passage]) -> None:
    """Write passages within the caller's transaction, over those of the same ids."""
    marks = ", ".join("?" * 12)
    rows = [_row(passage) for passage in passages]
    connection.executemany(f"INSERT OR REPLACE INTO passages VALUES ({marks})", rows)
    # Imported here, as searching needs it not.
    from wikirank.index.metadata import filter_keys

    keys = {key for passage in passages for key in filter_keys(passage.metadata)}
    connection.executemany(
        "INSERT OR IGNORE INTO metadata_keys VALUES (?)", [(key,) for key in sorted(keys)]
    )


def content_digest(connection: sqlite3.Connection, source: str, article: str) -> str:
    """Hash all passages of an article as they are stored, so that any loss or change shows."""
    sql = f"SELECT {_COLUMNS} FROM passages WHERE source = ? AND article = ? ORDER BY number, id"
    return stored_digest(connection.execute(sql, (source, article)))


def stored_digest(rows: Iterable[Sequence[Any]]) -> str:
    """The hash that `content_digest` gives, of rows in the order of `PassageStore.rows`."""
    return stable_hash([list(row) for row in rows])


def record_write(connection: sqlite3.Connection, token: str) -> None:
    """Tell readers that the index changes, within the caller's transaction."""
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
            "Use strings, numbers, bools, None, and lists or dicts of them."
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
    """The passage that a row of the table holds.

    Args:
        row: As `PassageStore.rows` gives it.

    Returns:
        The passage.

    Raises:
        IndexStorageError: If the row is damaged.
    """
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
            f"Expected JSON as {what} {name!r} in the index's database, got something else: {err}; "
            "it is damaged. Run `wikirank verify --repair`."
        )
        raise IndexStorageError(msg) from err

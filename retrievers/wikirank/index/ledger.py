"""The ledger: which articles of which sources are indexed, in which version, and what is pending.

The `pending` table makes a kill harmless. An id is added to it before Chroma or the lexical index
may differ from the passages table. The next writer repairs both: it writes a pending id again if it
has a passage, and deletes it otherwise.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import count
from typing import TYPE_CHECKING

from wikirank.errors import InvalidArgumentError
from wikirank.index.store import PassageStore, content_digest

if TYPE_CHECKING:
    from wikirank.index.report import IndexReport

# The fields of a report that are 0 if a run reads nothing.
_DONE = ("added", "changed", "removed", "passages_written", "passages_removed")


class SourceLedger:
    """The records of one source: its location, articles, versions and last complete run.

    Args:
        store: The index's store.
        source: Name of the source.
    """

    def __init__(self, store: PassageStore, source: str) -> None:
        self._store = store
        self._source = source
        self._state_key = f"state of {source}"

    def register(self, location: str | None, *, may_move: bool = False) -> None:
        """Record the location of the source, so that two sources with one name do not mix.

        Args:
            location: Path or address of the source; None identifies it by its name alone.
            may_move: Accept a new location. True for a source that the user named: next month's
                dump has another path.

        Raises:
            InvalidArgumentError: If the name belongs to a source at another location.
        """
        recorded = locations(self._store).get(self._source)
        if location is None or recorded == location:
            return
        if recorded is not None and not may_move:
            msg = (
                f"Expected the source {self._source!r} at {recorded}, where it was indexed from, "
                f"got {location}. Give this one another name (--name). If the source has moved, "
                f"name it explicitly: --name {self._source}."
            )
            raise InvalidArgumentError(msg)
        with self._store.transaction() as connection:
            self._forget_state(connection)  # It belongs to the old location.
            row = (self._source, location)
            connection.execute("INSERT OR REPLACE INTO sources VALUES (?, ?)", row)

    def forget(self) -> None:
        """Remove the source, which must have no articles."""
        with self._store.transaction() as connection:
            self._forget_state(connection)
            connection.execute("DELETE FROM sources WHERE name = ?", (self._source,))

    def _forget_state(self, connection: sqlite3.Connection) -> None:
        forget_readings(connection, [self._source])
        connection.execute("DELETE FROM versions WHERE source = ?", (self._source,))
        connection.execute("DELETE FROM meta WHERE key = ?", (self._state_key,))

    def last_report(self, fingerprint: str | None) -> IndexReport | None:
        """Return the report of a run over unchanged files; None if the fingerprint changed."""
        from wikirank.index.report import IndexReport  # Not needed to search.

        sql = "SELECT report FROM readings WHERE source = ? AND fingerprint = ?"
        row = self._store.connection.execute(sql, (self._source, fingerprint)).fetchone()
        if row is None:
            return None
        last = json.loads(row[0])
        report = IndexReport(
            **{f.name: last[f.name] for f in fields(IndexReport) if f.name in last}
        )
        report.unchanged = report.added + report.changed + report.unchanged
        for name in _DONE:
            setattr(report, name, 0)
        report.seconds, report.was_read = 0.0, False
        return report

    def record_report(self, fingerprint: str | None, report: IndexReport) -> None:
        """Record a complete run, with the source's fingerprint from before it."""
        if fingerprint is not None:
            row = (self._source, fingerprint, json.dumps(report.as_dict()))
            with self._store.transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO readings VALUES (?, ?, ?)", row)

    @property
    def state(self) -> str:
        """The state that the source saved after its last complete run; "" if there was none."""
        return str(self._store.read_meta().get(self._state_key, ""))

    def record_state(self, state: str) -> None:
        """Save the source's state for its next run."""
        self._store.write_meta({self._state_key: state})

    def versions(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the recorded versions by article key."""
        # A version counts only while the ledger has the article itself.
        sql = (
            "SELECT article, version FROM versions JOIN articles USING (source, article)"
            " WHERE source = ? AND article IN"
        )
        return dict(self._store.select_in(sql, keys, [self._source]))

    def record_versions(self, versions: Mapping[str, str]) -> None:
        """Record the versions of articles that are written, by key."""
        rows = [(self._source, key, version) for key, version in versions.items() if version]
        if rows:
            with self._store.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO versions VALUES (?, ?, ?)", rows)

    def titles_with_alias(self, aliases: Sequence[str]) -> list[str]:
        """Return the sorted titles of articles with any of the aliases in their metadata."""
        sql = (
            "SELECT DISTINCT title FROM passages WHERE source = ? AND number = 0 AND EXISTS ("
            " SELECT 1 FROM json_each(metadata, '$.aliases') AS alias"
            " WHERE alias.value IN (SELECT value FROM json_each(?))) ORDER BY title"
        )
        parameters = (self._source, json.dumps(list(aliases)))
        return [row[0] for row in self._store.connection.execute(sql, parameters)]

    def articles(self) -> list[str]:
        """Return the keys of all articles of the source."""
        sql = "SELECT article FROM articles WHERE source = ? ORDER BY article"
        return [row[0] for row in self._store.connection.execute(sql, (self._source,))]

    def digests(self, articles: Sequence[str]) -> dict[str, str]:
        """Return the digests of indexed articles, by key."""
        sql = "SELECT article, digest FROM articles WHERE source = ? AND article IN"
        return dict(self._store.select_in(sql, articles, [self._source]))

    def all_digests(self) -> Iterator[str]:
        """Iterate over the digests of all indexed articles."""
        sql = "SELECT digest FROM articles WHERE source = ? AND digest != ''"
        return (row[0] for row in self._store.connection.execute(sql, (self._source,)))

    def begin_run(self) -> None:
        """Forget which articles were seen; they are kept on disk, since a wiki has millions."""
        connection = self._store.connection
        connection.execute("DROP TABLE IF EXISTS temp.seen")
        connection.execute("CREATE TEMP TABLE seen (article TEXT PRIMARY KEY) WITHOUT ROWID")

    def mark_seen(self, key: str) -> str:
        """Mark an article as seen; returns its key, with `#2`, `#3`, … if it was seen before."""
        sql = "INSERT OR IGNORE INTO temp.seen VALUES (?)"
        for number in count(1):
            unique = key if number == 1 else f"{key}#{number}"
            if self._store.connection.execute(sql, (unique,)).rowcount == 1:
                return unique
        raise AssertionError

    def unmark_seen(self, key: str) -> None:
        """Treat an article as not seen."""
        self._store.connection.execute("DELETE FROM temp.seen WHERE article = ?", (key,))

    def unseen(self) -> list[str]:
        """Return the keys of indexed articles that were not seen in this run."""
        sql = (
            "SELECT article FROM articles WHERE source = ?"
            " AND article NOT IN (SELECT article FROM temp.seen) ORDER BY article"
        )
        return [row[0] for row in self._store.connection.execute(sql, (self._source,))]


def locations(store: PassageStore) -> dict[str, str]:
    """Return the locations of an index's sources, by name."""
    return dict(store.connection.execute("SELECT name, location FROM sources ORDER BY name"))


def article_counts(store: PassageStore) -> dict[str, int]:
    """Return the number of articles by source; 0 for a source whose first run was killed early."""
    sql = "SELECT source, count(*) FROM articles GROUP BY source ORDER BY source"
    return {**dict.fromkeys(locations(store), 0), **dict(store.connection.execute(sql))}


def require_source(store: PassageStore, name: str) -> None:
    """Raise InvalidArgumentError if an index has no source or article with this source name."""
    sql = "SELECT name FROM sources UNION SELECT source FROM articles ORDER BY 1"
    names = [row[0] for row in store.connection.execute(sql)]
    if name not in names:
        msg = f"Expected the name of a source, got {name!r}. Sources: {', '.join(names) or 'none'}."
        raise InvalidArgumentError(msg)


def record_articles(
    connection: sqlite3.Connection, source: str, digests: Mapping[str, str]
) -> None:
    """Record articles and a hash of their written passages, within the caller's transaction.

    Args:
        connection: The transaction's connection.
        source: Name of the articles' source.
        digests: Digest by article key.
    """
    connection.executemany(
        "INSERT OR REPLACE INTO articles (source, article, digest, content) VALUES (?, ?, ?, ?)",
        [
            (source, article, digest, content_digest(connection, source, article))
            for article, digest in digests.items()
        ],
    )


def forget_articles(connection: sqlite3.Connection, source: str, articles: Iterable[str]) -> None:
    """Remove articles from the ledger, within the caller's transaction."""
    rows = [(source, article) for article in articles]
    for table in ("articles", "versions"):
        connection.executemany(f"DELETE FROM {table} WHERE source = ? AND article = ?", rows)


def articles_with_passages(
    connection: sqlite3.Connection, source: str, articles: Iterable[str]
) -> set[str]:
    """Return those of the article keys that have a passage."""
    sql = "SELECT 1 FROM passages WHERE source = ? AND article = ? LIMIT 1"
    return {key for key in articles if connection.execute(sql, (source, key)).fetchone()}


def mark_for_reindex(connection: sqlite3.Connection, articles: Iterable[tuple[str, str]]) -> None:
    """Have articles read again when their source is indexed next, within the caller's transaction.

    Args:
        connection: The transaction's connection.
        articles: Pairs of source and article key; they need not be recorded yet.
    """
    keys = list(articles)
    connection.executemany(
        "INSERT INTO articles (source, article, digest) VALUES (?, ?, '')"
        " ON CONFLICT (source, article) DO UPDATE SET digest = ''",
        keys,
    )
    forget_readings(connection, {source for source, _ in keys})


def forget_readings(connection: sqlite3.Connection, sources: Iterable[str]) -> None:
    """Have sources read when they are indexed next, even if unchanged."""
    connection.executemany("DELETE FROM readings WHERE source = ?", [(s,) for s in sources])


def add_pending(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Add ids for which Chroma or the lexical index may differ from the passages table."""
    connection.executemany("INSERT OR IGNORE INTO pending VALUES (?)", [(i,) for i in ids])


def add_all_pending(connection: sqlite3.Connection) -> None:
    """Mark all passages as pending, within the caller's transaction."""
    connection.execute("INSERT OR IGNORE INTO pending SELECT id FROM passages")


def clear_pending(connection: sqlite3.Connection, ids: Iterable[str] | None = None) -> None:
    """Remove pending ids, or all if None, within the caller's transaction."""
    if ids is None:
        connection.execute("DELETE FROM pending")
    else:
        connection.executemany("DELETE FROM pending WHERE id = ?", [(i,) for i in ids])


def pending(store: PassageStore, limit: int) -> list[str]:
    """Return the first `limit` pending ids."""
    rows = store.connection.execute("SELECT id FROM pending ORDER BY id LIMIT ?", (limit,))
    return [row[0] for row in rows]

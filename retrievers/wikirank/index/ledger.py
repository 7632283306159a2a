"""The ledger: which article of which source is indexed, in which version, and what is half done.

`pending` makes a kill harmless. An id goes there before Chroma or the lexical index may differ
from the passages table in it. Whoever writes next mends both: a pending id that has a passage is
written again, one that has none is deleted.
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

# What a run that reads nothing does not do.
_DONE = ("added", "changed", "removed", "passages_written", "passages_removed")


class SourceLedger:
    """What an index records of one source: place, articles, versions, and its last whole reading.

    Args:
        store: The index's store.
        source: Name of the source.
    """

    def __init__(self, store: PassageStore, source: str) -> None:
        self._store = store
        self._source = source
        self._state_key = f"state of {source}"

    def register(self, location: str | None, *, may_move: bool = False) -> None:
        """Record where the source lies, so that two of one name do not mix.

        Args:
            location: Where it lies; None takes the name as the source's whole identity.
            may_move: Whether a source elsewhere is replaced, as one that the user named is: next
                month's dump has another path.

        Raises:
            InvalidArgumentError: If the name is taken by a source elsewhere, which may not move.
        """
        recorded = locations(self._store).get(self._source)
        if location is None or recorded == location:
            return
        if recorded is not None and not may_move:
            msg = (
                f"A source named {self._source!r} is indexed already, from {recorded}; this one is "
                f"{location}. Give this one a name of its own (--name), or, if the source has "
                f"moved, name it explicitly: --name {self._source}."
            )
            raise InvalidArgumentError(msg)
        with self._store.transaction() as connection:
            self._forget_state(connection)  # What another place left means nothing here.
            row = (self._source, location)
            connection.execute("INSERT OR REPLACE INTO sources VALUES (?, ?)", row)

    def forget(self) -> None:
        """Drop the source, which has no articles any more."""
        with self._store.transaction() as connection:
            self._forget_state(connection)
            connection.execute("DELETE FROM sources WHERE name = ?", (self._source,))

    def _forget_state(self, connection: sqlite3.Connection) -> None:
        forget_readings(connection, [self._source])
        connection.execute("DELETE FROM versions WHERE source = ?", (self._source,))
        connection.execute("DELETE FROM meta WHERE key = ?", (self._state_key,))

    def last_report(self, fingerprint: str | None) -> IndexReport | None:
        """What a run would report if the source's files are as when last read; else None."""
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
        """Remember a run that came to the source's end, and the state it was in when it began."""
        if fingerprint is not None:
            row = (self._source, fingerprint, json.dumps(report.as_dict()))
            with self._store.transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO readings VALUES (?, ?, ?)", row)

    @property
    def state(self) -> str:
        """What the source left at the end of its last whole run; "" if there was none."""
        return str(self._store.read_meta().get(self._state_key, ""))

    def note_state(self, state: str) -> None:
        """Keep the source's state for its next run."""
        self._store.write_meta({self._state_key: state})

    def versions(self, keys: Sequence[str]) -> dict[str, str]:
        """The versions of those of the articles that are indexed and have one."""
        # A version counts only as long as the ledger has the article itself.
        sql = (
            "SELECT article, version FROM versions JOIN articles USING (source, article)"
            " WHERE source = ? AND article IN"
        )
        return dict(self._store.among(sql, keys, [self._source]))

    def note_versions(self, versions: Mapping[str, str]) -> None:
        """Record which version of each article the index has, once it has it."""
        rows = [(self._source, key, version) for key, version in versions.items() if version]
        if rows:
            with self._store.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO versions VALUES (?, ?, ?)", rows)

    def titles_with_alias(self, aliases: Sequence[str]) -> list[str]:
        """Titles of the articles with one of the aliases in their metadata, sorted."""
        sql = (
            "SELECT DISTINCT title FROM passages WHERE source = ? AND number = 0 AND EXISTS ("
            " SELECT 1 FROM json_each(metadata, '$.aliases') AS alias"
            " WHERE alias.value IN (SELECT value FROM json_each(?))) ORDER BY title"
        )
        parameters = (self._source, json.dumps(list(aliases)))
        return [row[0] for row in self._store.connection.execute(sql, parameters)]

    def articles(self) -> list[str]:
        """The keys of all articles of the source."""
        sql = "SELECT article FROM articles WHERE source = ? ORDER BY article"
        return [row[0] for row in self._store.connection.execute(sql, (self._source,))]

    def digests(self, articles: Sequence[str]) -> dict[str, str]:
        """The recorded digests of those of the articles that are indexed."""
        sql = "SELECT article, digest FROM articles WHERE source = ? AND article IN"
        return dict(self._store.among(sql, articles, [self._source]))

    def all_digests(self) -> Iterator[str]:
        """The digests of all articles that are indexed, one by one."""
        sql = "SELECT digest FROM articles WHERE source = ? AND digest != ''"
        return (row[0] for row in self._store.connection.execute(sql, (self._source,)))

    def begin_run(self) -> None:
        """Begin a run that has met no article; on disk, as a whole wiki's titles need room."""
        connection = self._store.connection
        connection.execute("DROP TABLE IF EXISTS temp.met")
        connection.execute("CREATE TEMP TABLE met (article TEXT PRIMARY KEY) WITHOUT ROWID")

    def meet(self, key: str) -> str:
        """Take note of an article; a key met before in this run gets `#2`, `#3`, … appended."""
        sql = "INSERT OR IGNORE INTO temp.met VALUES (?)"
        for number in count(1):
            unique = key if number == 1 else f"{key}#{number}"
            if self._store.connection.execute(sql, (unique,)).rowcount == 1:
                return unique
        raise AssertionError

    def unmeet(self, key: str) -> None:
        """Take an article back, as if it had not been met."""
        self._store.connection.execute("DELETE FROM temp.met WHERE article = ?", (key,))

    def not_met(self) -> list[str]:
        """Articles that are indexed but were not met."""
        sql = (
            "SELECT article FROM articles WHERE source = ?"
            " AND article NOT IN (SELECT article FROM temp.met) ORDER BY article"
        )
        return [row[0] for row in self._store.connection.execute(sql, (self._source,))]


def locations(store: PassageStore) -> dict[str, str]:
    """Where the sources of an index lie, by name."""
    return dict(store.connection.execute("SELECT name, location FROM sources ORDER BY name"))


def article_counts(store: PassageStore) -> dict[str, int]:
    """How many articles an index has of each source; of one never read to its end maybe none."""
    sql = "SELECT source, count(*) FROM articles GROUP BY source ORDER BY source"
    return {**dict.fromkeys(locations(store), 0), **dict(store.connection.execute(sql))}


def require_source(store: PassageStore, name: str) -> None:
    """Raise InvalidArgumentError if an index has no source, nor article, of a name."""
    sql = "SELECT name FROM sources UNION SELECT source FROM articles ORDER BY 1"
    names = [row[0] for row in store.connection.execute(sql)]
    if name not in names:
        msg = f"Expected the name of a source, got {name!r}. Sources: {', '.join(names) or 'none'}."
        raise InvalidArgumentError(msg)


def record_articles(
    connection: sqlite3.Connection, source: str, recorded: Mapping[str, str]
) -> None:
    """Record articles whose passages are written, within the caller's transaction.

    Args:
        connection: The transaction's.
        source: Name of their source.
        recorded: Their digests by their keys. A hash of the passages is kept beside each.
    """
    connection.executemany(
        "INSERT OR REPLACE INTO articles (source, article, digest, content) VALUES (?, ?, ?, ?)",
        [
            (source, article, digest, content_digest(connection, source, article))
            for article, digest in recorded.items()
        ],
    )


def forget_articles(connection: sqlite3.Connection, source: str, articles: Iterable[str]) -> None:
    """Drop articles from the ledger, within the caller's transaction."""
    rows = [(source, article) for article in articles]
    for table in ("articles", "versions"):
        connection.executemany(f"DELETE FROM {table} WHERE source = ? AND article = ?", rows)


def articles_with_passages(
    connection: sqlite3.Connection, source: str, articles: Iterable[str]
) -> set[str]:
    """Those of the articles of a source that have a passage."""
    sql = "SELECT 1 FROM passages WHERE source = ? AND article = ? LIMIT 1"
    return {key for key in articles if connection.execute(sql, (source, key)).fetchone()}


def mark_for_reindex(connection: sqlite3.Connection, articles: Iterable[tuple[str, str]]) -> None:
    """Have articles read again when their source is indexed next, within a transaction.

    Args:
        connection: The transaction's.
        articles: Source and key of each; one that is not recorded is.
    """
    recalled = list(articles)
    connection.executemany(
        "INSERT INTO articles (source, article, digest) VALUES (?, ?, '')"
        " ON CONFLICT (source, article) DO UPDATE SET digest = ''",
        recalled,
    )
    forget_readings(connection, {source for source, _ in recalled})


def forget_readings(connection: sqlite3.Connection, sources: Iterable[str]) -> None:
    """Have sources read when they are indexed next, within the caller's transaction."""
    connection.executemany("DELETE FROM readings WHERE source = ?", [(s,) for s in sources])


def add_pending(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Note ids in which Chroma or the lexical index may soon differ from the passages table."""
    connection.executemany("INSERT OR IGNORE INTO pending VALUES (?)", [(i,) for i in ids])


def add_all_pending(connection: sqlite3.Connection) -> None:
    """Note the ids of all passages as pending, within the caller's transaction."""
    connection.execute("INSERT OR IGNORE INTO pending SELECT id FROM passages")


def clear_pending(connection: sqlite3.Connection, ids: Iterable[str] | None = None) -> None:
    """Take ids off the pending list, or all, within the caller's transaction."""
    if ids is None:
        connection.execute("DELETE FROM pending")
    else:
        connection.executemany("DELETE FROM pending WHERE id = ?", [(i,) for i in ids])


def pending(store: PassageStore, limit: int) -> list[str]:
    """The first pending ids, at most `limit`."""
    rows = store.connection.execute("SELECT id FROM pending ORDER BY id LIMIT ?", (limit,))
    return [row[0] for row in rows]

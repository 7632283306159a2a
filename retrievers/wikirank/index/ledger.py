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

from wikirank._util import chunks
from wikirank.corpus.source import Source
from wikirank.errors import InvalidArgumentError
from wikirank.index.report import IndexReport
from wikirank.index.store import SQL_CHUNK, PassageStore, content_digest

# What a run that reads nothing does not do.
_DONE = ("added", "changed", "removed", "passages_written", "passages_removed")


class Reading:
    """One run over one source, and what the last one left.

    Args:
        store: The index's store.
        source: The source, not yet read from.
    """

    def __init__(self, store: PassageStore, source: Source) -> None:
        # Imported here, as searching needs no source.
        from wikirank.corpus.fingerprint import source_fingerprint

        self._store = store
        self._source = source
        self._fingerprint = source_fingerprint(source)

    def unchanged(self) -> IndexReport | None:
        """What a run would report, if the source is as when it was read last; else None."""
        row = self._store.connection.execute(
            "SELECT fingerprint, report FROM readings WHERE source = ?", (self._source.name,)
        ).fetchone()
        if row is None or row[0] != self._fingerprint:
            return None
        last = json.loads(row[1])
        report = IndexReport(
            **{f.name: last[f.name] for f in fields(IndexReport) if f.name in last}
        )
        report.unchanged = report.added + report.changed + report.unchanged
        for name in _DONE:
            setattr(report, name, 0)
        report.seconds, report.was_read = 0.0, False
        return report

    def record(self, report: IndexReport) -> None:
        """Remember a run that came to the source's end, and the state it was in when it began."""
        if self._fingerprint is None:
            return
        values = (self._source.name, self._fingerprint, json.dumps(report.as_dict()))
        with self._store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO readings VALUES (?, ?, ?)", values)


class KnownArticles:
    """Answers what a source asks of the index, and notes what it says.

    Args:
        store: The index's store.
        source: Name of the source.
    """

    def __init__(self, store: PassageStore, source: str) -> None:
        self._store = store
        self._source = source
        self._state_key = _state_key(source)

    @property
    def state(self) -> str:
        """What the source left at the end of its last whole run; "" if there was none."""
        return str(self._store.read_meta().get(self._state_key, ""))

    def note_state(self, state: str) -> None:
        """Keep the source's state for its next run."""
        self._store.write_meta({self._state_key: state})

    def versions(self, keys: Sequence[str]) -> dict[str, str]:
        """The versions of those of the articles that are indexed and have one."""
        found: dict[str, str] = {}
        for chunk in chunks(keys, SQL_CHUNK):
            marks = ", ".join("?" * len(chunk))
            # A version counts only as long as the ledger has the article itself.
            sql = (
                "SELECT article, version FROM versions JOIN articles USING (source, article)"
                f" WHERE source = ? AND article IN ({marks})"
            )
            found.update(self._store.connection.execute(sql, [self._source, *chunk]).fetchall())
        return found

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


def register_source(
    store: PassageStore, name: str, location: str | None, *, may_move: bool = False
) -> None:
    """Record where a source of this name lies, so that two of one name do not mix.

    Args:
        store: The index's store.
        name: Name of the source.
        location: Where it lies; None takes the name as the source's whole identity.
        may_move: Whether a source elsewhere is replaced, as one that the user named is: next
            month's dump has another path.

    Raises:
        InvalidArgumentError: If the name is taken by a source elsewhere, which may not move.
    """
    if location is None:
        return
    known = locations(store).get(name)
    if known == location:
        return
    if known is not None and not may_move:
        msg = (
            f"A source named {name!r} is indexed already, from {known}; this one is {location}. "
            f"Give this one a name of its own (--name), or, if the source has moved, "
            f"name it explicitly: --name {name}."
        )
        raise InvalidArgumentError(msg)
    with store.transaction() as connection:
        _forget_state(connection, name)  # What another place left means nothing here.
        connection.execute("INSERT OR REPLACE INTO sources VALUES (?, ?)", (name, location))


def locations(store: PassageStore) -> dict[str, str]:
    """Where the sources of an index lie, by name."""
    return dict(store.connection.execute("SELECT name, location FROM sources ORDER BY name"))


def require_source(store: PassageStore, name: str) -> None:
    """Raise InvalidArgumentError if an index has no source, nor article, of a name."""
    sql = "SELECT name FROM sources UNION SELECT source FROM articles ORDER BY 1"
    names = [row[0] for row in store.connection.execute(sql)]
    if name not in names:
        msg = f"Expected the name of a source, got {name!r}. Sources: {', '.join(names) or 'none'}."
        raise InvalidArgumentError(msg)


def indexed_articles(store: PassageStore, source: str) -> list[str]:
    """The keys of all articles of a source."""
    sql = "SELECT article FROM articles WHERE source = ? ORDER BY article"
    return [row[0] for row in store.connection.execute(sql, (source,))]


def forget_source(store: PassageStore, name: str) -> None:
    """Drop a source that has no articles any more."""
    with store.transaction() as connection:
        _forget_state(connection, name)
        connection.execute("DELETE FROM sources WHERE name = ?", (name,))


def _forget_state(connection: sqlite3.Connection, source: str) -> None:
    forget_readings(connection, [source])
    connection.execute("DELETE FROM versions WHERE source = ?", (source,))
    connection.execute("DELETE FROM meta WHERE key = ?", (_state_key(source),))


def _state_key(source: str) -> str:
    return f"state of {source}"


def digests(store: PassageStore, source: str, articles: Sequence[str]) -> dict[str, str]:
    """The recorded digests of those of the articles that are indexed."""
    found: dict[str, str] = {}
    for chunk in chunks(articles, SQL_CHUNK):
        marks = ", ".join("?" * len(chunk))
        sql = f"SELECT article, digest FROM articles WHERE source = ? AND article IN ({marks})"
        found.update(store.connection.execute(sql, [source, *chunk]).fetchall())
    return found


def known_digests(store: PassageStore, source: str) -> Iterator[str]:
    """The digests of all articles of a source that are indexed, one by one."""
    sql = "SELECT digest FROM articles WHERE source = ? AND digest != ''"
    return (row[0] for row in store.connection.execute(sql, (source,)))


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


class SeenArticles:
    """The articles that a run has met, on disk: a whole wiki's titles need not fit in memory.

    Args:
        store: The index's store.
        source: Name of the source that the run reads.
    """

    def __init__(self, store: PassageStore, source: str) -> None:
        self._connection = store.connection
        self._source = source
        self._connection.execute("DROP TABLE IF EXISTS temp.seen")
        self._connection.execute("CREATE TEMP TABLE seen (article TEXT PRIMARY KEY) WITHOUT ROWID")

    def claim(self, key: str) -> str:
        """Take note of an article; a key met before in this run gets `#2`, `#3`, … appended."""
        candidate, turn = key, 1
        while not self._insert(candidate):
            turn += 1
            candidate = f"{key}#{turn}"
        return candidate

    def drop(self, key: str) -> None:
        """Take an article back, as if it had not been met."""
        self._connection.execute("DELETE FROM temp.seen WHERE article = ?", (key,))

    def _insert(self, key: str) -> bool:
        sql = "INSERT OR IGNORE INTO temp.seen VALUES (?)"
        return self._connection.execute(sql, (key,)).rowcount == 1

    def missing(self) -> list[str]:
        """Articles of the source that are indexed but were not met."""
        sql = (
            "SELECT article FROM articles WHERE source = ?"
            " AND article NOT IN (SELECT article FROM temp.seen) ORDER BY article"
        )
        return [row[0] for row in self._connection.execute(sql, (self._source,))]

"""What an index has of a source that can tell what changed: versions, aliases, the last state."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from wikirank.chunks import chunks
from wikirank.index.store import SQL_CHUNK, PassageStore


class KnownArticles:
    """Answers what a source asks of the index, and notes what it says.

    Args:
        store: The index's store.
        source: Name of the source.
    """

    def __init__(self, store: PassageStore, source: str) -> None:
        self._store = store
        self._source = source
        self._state_key = f"state of {source}"

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

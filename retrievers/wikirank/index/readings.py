"""What is remembered of a source that was read to its end, so as not to read it again in vain.

Any write to a source's passages drops what is remembered of it, in the same transaction.
"""

from __future__ import annotations

import json
from dataclasses import fields

from wikirank.corpus import Source
from wikirank.corpus.fingerprint import source_fingerprint
from wikirank.index.report import IndexReport
from wikirank.index.store import PassageStore

# What a run that reads nothing does not do.
_DONE = ("added", "changed", "removed", "passages_written", "passages_removed")


class Reading:
    """One run over one source, and what the last one left.

    Args:
        store: The index's store.
        source: The source, not yet read from.
    """

    def __init__(self, store: PassageStore, source: Source) -> None:
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

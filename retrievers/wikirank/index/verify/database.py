"""Checks of the SQLite file: its pages, tables, settings, passages and ledger."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

from wikirank._util import counted
from wikirank.errors import IndexStorageError, InvalidArgumentError
from wikirank.index.metadata import filterable
from wikirank.index.preconditions import FORMAT, SETTINGS
from wikirank.index.store import (
    TABLES,
    PassageStore,
    as_passage,
    stored_digest,
)
from wikirank.index.verify.report import Check
from wikirank.passages.ids import passage_id
from wikirank.passages.splitters import splitter_from
from wikirank.types import Passage


def check_database(check: Check, file: Path) -> None:
    """Have SQLite read every page of a file and compare its tables with their indexes."""
    check.seen = 1
    try:
        with closing(_read_only(file)) as connection:
            faults = [row[0] for row in connection.execute("PRAGMA integrity_check(10)")]
    except sqlite3.Error as err:
        faults = [str(err)]
    for fault in faults:
        if fault != "ok":
            check.fault(f"{file.name}: {fault}")


def check_tables(check: Check, file: Path, names: Collection[str] = TABLES) -> None:
    """Check that a file has the named tables and indexes."""
    with closing(_read_only(file)) as connection:
        present = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    check.seen = len(names)
    for name in sorted({*names} - present):
        check.fault(f"the table or index {name} is missing")


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=30)


def check_settings(check: Check, meta: dict[str, Any]) -> None:
    """Check that all settings exist and are valid."""
    check.seen = len(SETTINGS)
    for name in SETTINGS:
        if name not in meta:
            check.fault(f"the setting {name} is missing")
    if check.faults:
        return
    if meta["format"] != FORMAT:
        check.fault(f"expected format {FORMAT}, got {meta['format']!r}")
    if meta["splitter"]:
        try:
            splitter_from(meta["splitter"])
        except InvalidArgumentError as err:
            check.fault(str(err))


def check_passages(check: Check, store: PassageStore) -> None:
    """Check the id, number, length and metadata of each passage, and the hash of its article."""
    keys = store.known_keys()
    for _, passages in check_articles(check, store):
        missing = {key for passage in passages for key in filterable(passage.metadata)} - keys
        for key in sorted(missing):
            check.fault(f"the metadata key {key!r} is not recorded as filterable")
    check.note = _unhashed(store, store.has_content())


def check_articles(
    check: Check, store: PassageStore
) -> Iterator[tuple[tuple[str, str], list[Passage]]]:
    """Check the passages of each article.

    Args:
        check: Collects the faults.
        store: The index's store.

    Yields:
        Source and key of an article, and its readable passages.
    """
    sources = {row[0] for row in store.connection.execute("SELECT name FROM sources")}
    has_content = store.has_content()
    for (source, article), rows in groupby(store.rows(), key=lambda row: (row[1], row[2])):
        stored = list(rows)
        check.seen += len(stored)
        passages = list(_read(check, stored))
        if source in sources and len(passages) == len(stored):
            _check_order(check, passages)
        if has_content:
            _check_content(check, store, source, article, stored)
        yield (source, article), passages


def readable_passages(store: PassageStore) -> Iterator[Passage]:
    """Iterate over all readable passages, by article."""
    return _read(Check(), store.rows())


def unreadable_ids(store: PassageStore) -> Iterator[str]:
    """Iterate over the ids of unreadable passages."""
    for row in store.rows():
        if not isinstance(_passage_or_error(row), Passage):
            yield row[0]


def _unhashed(store: PassageStore, has_content: bool) -> str:
    where = "WHERE content = ''" if has_content else ""
    (number,) = store.connection.execute(f"SELECT count(*) FROM articles {where}").fetchone()
    if not number:
        return ""
    return f"{counted(number, 'article')} without a hash, written by an older version"


def _read(check: Check, rows: Iterable[Sequence[Any]]) -> Iterator[Passage]:
    for row in rows:
        passage = _passage_or_error(row)
        if isinstance(passage, Passage):
            yield passage
        else:
            check.fault(f"passage {row[0]} cannot be read: {passage}")


def _passage_or_error(row: Sequence[Any]) -> Passage | Exception:
    try:
        return as_passage(row)
    except (IndexStorageError, ValueError, TypeError) as err:
        return err


def _check_order(check: Check, passages: Sequence[Passage]) -> None:
    """Check number, length and id, which follow from the article's text."""
    seen: Counter[tuple[str, ...]] = Counter()
    for number, passage in enumerate(passages):
        where = f"passage {passage.id} of {passage.article!r} ({passage.source})"
        ordinal = seen[passage.section]
        seen[passage.section] += 1
        expected = passage_id(
            passage.source, passage.article, passage.section, ordinal, passage.text
        )
        if passage.number != number:
            check.fault(f"{where} has number {passage.number}, expected {number}")
        elif passage.end - passage.start != len(passage.text):
            check.fault(f"{where} does not have the length that was recorded")
        elif passage.id != expected:
            check.fault(f"{where} does not have the text that its id was made from")


def _check_content(
    check: Check, store: PassageStore, source: str, article: str, rows: Sequence[Sequence[Any]]
) -> None:
    row = store.connection.execute(
        "SELECT content FROM articles WHERE source = ? AND article = ?", (source, article)
    ).fetchone()
    if row and row[0] and row[0] != stored_digest(rows):
        check.fault(f"the passages of {article!r} ({source}) do not match their hash")


def check_ledger(check: Check, store: PassageStore) -> None:
    """Check that the ledger and the passages table have the same articles."""
    (check.seen,) = store.connection.execute("SELECT count(*) FROM articles").fetchone()
    for source, article in store.connection.execute(ARTICLES_WITHOUT_PASSAGES):
        check.fault(f"{article!r} ({source}) is recorded but has no passages")
    for source, article in store.connection.execute(PASSAGES_WITHOUT_ARTICLE):
        check.fault(f"{article!r} ({source}) has passages but is not recorded")
    without_digest = "SELECT source, article FROM articles WHERE digest = ''"
    for source, article in store.connection.execute(without_digest):
        check.fault(f"{article!r} ({source}) will be read again when its source is indexed")


ARTICLES_WITHOUT_PASSAGES = (
    "SELECT source, article FROM articles WHERE NOT EXISTS (SELECT 1 FROM passages WHERE"
    " passages.source = articles.source AND passages.article = articles.article)"
)
PASSAGES_WITHOUT_ARTICLE = (
    "SELECT DISTINCT source, article FROM passages WHERE NOT EXISTS (SELECT 1 FROM articles WHERE"
    " passages.source = articles.source AND passages.article = articles.article)"
)


def check_pending(check: Check, store: PassageStore) -> None:
    """Check that no killed run left passages pending."""
    (check.seen,) = store.connection.execute("SELECT count(*) FROM pending").fetchone()
    if check.seen:
        check.fault(
            f"a killed run left {counted(check.seen, 'passage')} half written; the next run or "
            "--repair finishes them"
        )

"""Repair an index from its passages table, from which both indexes can be rebuilt.

Each step can be killed and run again: ids are marked as pending before their records change, the
lexical index is rebuilt in one commit, and the ledger is changed in one transaction.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from wikirank._util import chunks, counted
from wikirank.embed import Embedder, recorded_embedder
from wikirank.errors import IndexConnectionError, IndexStorageError
from wikirank.index.bm25 import LexicalIndex
from wikirank.index.bm25_files import lexical_fault
from wikirank.index.languages import ENGLISH
from wikirank.index.ledger import add_all_pending, mark_for_reindex
from wikirank.index.metadata import filter_keys
from wikirank.index.preconditions import check_made_by
from wikirank.index.store import STORE_FILE, PassageStore, delete_passages
from wikirank.index.vectors.base import VectorIndex
from wikirank.index.vectors.embedded import FOLDER, EmbeddedVectors
from wikirank.index.vectors.open import open_dense
from wikirank.index.vectors.sharded import ShardedVectors
from wikirank.index.verify.database import (
    ARTICLES_WITHOUT_PASSAGES,
    PASSAGES_WITHOUT_ARTICLE,
    check_articles,
    check_database,
    check_tables,
    readable_passages,
    unreadable_ids,
)
from wikirank.index.verify.derived import (
    BATCH_SIZE,
    VectorFault,
    check_chroma_files,
    check_lexical,
    compare_vectors,
)
from wikirank.index.verify.report import Check, storage_faults
from wikirank.index.verify.run import require_idle_index
from wikirank.index.writer import IndexWriter

# A repair needs these tables; the others are created again, empty.
_REQUIRED_TABLES = ("meta", "passages", "articles")


def repair_index(
    path: Path | str, *, full: bool = False, embedder: Embedder | None = None
) -> list[str]:
    """Repair what can be repaired from the passages of an index.

    Args:
        path: Folder of the index.
        full: Compute every vector again to find wrong ones; otherwise about 200.
        embedder: The model that made the vectors; None loads the recorded one.

    Returns:
        One sentence per repair; empty if nothing was repaired.

    Raises:
        IndexNotFoundError: If there is no index in the folder.
        IndexLockedError: If another process is writing to the index.
        IndexMismatchError: If the index was made with another model.
        IndexStorageError: If the database is damaged, so that a repair is impossible.
    """
    folder = require_idle_index(path)
    _refuse_damaged_database(folder / STORE_FILE)
    with PassageStore(folder / STORE_FILE) as store:
        meta = store.read_meta()
        embedder = embedder or recorded_embedder(meta.get("embedder_recipe"))
        check_made_by(folder, meta, embedder)
        done = list(_remove_unusable(folder, store))
        language = store.read_meta().get("language", ENGLISH)
        lexical = LexicalIndex(folder / "lexical", create=True, language=language)
        with open_dense(folder, store, store.read_meta(), create=True) as dense:
            if isinstance(dense, EmbeddedVectors):
                dense.mark_dirty()
            with IndexWriter(folder, store, dense, lexical, embedder) as writer:
                done += _repair_passages(store, writer)
                done += _repair_lexical(store, writer, folder)
                done += _repair_vectors(store, writer, dense, embedder, full=full)
    return done


def _refuse_damaged_database(file: Path) -> None:
    check = Check()
    check_database(check, file)
    if not check.faults:
        check_tables(check, file, _REQUIRED_TABLES)
    if check.faults:
        msg = (
            f"{file} is damaged ({'; '.join(check.examples)}), so the index cannot be repaired. "
            "Nothing was changed. Index the sources again into a new folder."
        )
        raise IndexStorageError(msg)


def _remove_unusable(folder: Path, store: PassageStore) -> Iterator[str]:
    """Delete indexes that are damaged; they are rebuilt from the passages later."""
    if fault := _lexical_fault(folder / "lexical"):
        shutil.rmtree(folder / "lexical", ignore_errors=True)
        yield f"Deleted the damaged lexical index ({fault})."
    if store.read_meta()["chroma_url"]:
        return
    if fault := _vectors_fault(folder, store):
        with store.transaction() as connection:
            add_all_pending(connection)
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
        yield f"Rebuilt all vectors, which were damaged ({fault})."


def _lexical_fault(folder: Path) -> str | None:
    if fault := lexical_fault(folder, full=True):
        return fault
    check = Check()
    with storage_faults(check):
        LexicalIndex(folder).indexed_ids(["none"])
    return check.examples[0] if check.faults else None


def _vectors_fault(folder: Path, store: PassageStore) -> str | None:
    check, meta = Check(), store.read_meta()
    check_chroma_files(check, folder, meta["collection"])
    if not check.faults:
        with storage_faults(check), open_dense(folder, store, meta) as dense:
            dense.dimension()  # Has Chroma apply its log, which fails on invalid records.
    return check.examples[0] if check.faults else None


def _repair_passages(store: PassageStore, writer: IndexWriter) -> Iterator[str]:
    """Repair passages and ledger; articles with faults are marked to be read again."""
    unreadable = list(unreadable_ids(store))
    reindexed: list[tuple[str, str]] = []
    keys: set[str] = set()
    check = Check()
    faults = 0
    for article, passages in check_articles(check, store):
        keys.update(key for passage in passages for key in filter_keys(passage.metadata))
        if check.faults > faults:
            reindexed.append(article)
        faults = check.faults
    connection = store.connection
    reindexed += connection.execute(PASSAGES_WITHOUT_ARTICLE).fetchall()
    empty = connection.execute(ARTICLES_WITHOUT_PASSAGES).fetchall()
    missing = sorted(keys - store.recorded_keys())
    with store.transaction() as connection:
        connection.executemany("INSERT INTO metadata_keys VALUES (?)", [(k,) for k in missing])
        delete_passages(connection, unreadable)
        mark_for_reindex(connection, reindexed + empty)
        connection.executemany("DELETE FROM articles WHERE source = ? AND article = ?", empty)
    if unreadable:
        writer.delete_orphans(unreadable)
        yield f"Deleted {counted(len(unreadable), 'passage')} that could not be read."
    if reindexed or empty:
        number = len(set(reindexed + empty))
        yield f"Marked {counted(number, 'article')} to be read again at the next indexing."
    if missing:
        yield f"Added {counted(len(missing), 'filterable metadata key')}."


def _repair_lexical(store: PassageStore, writer: IndexWriter, folder: Path) -> Iterator[str]:
    check = Check()
    check_lexical(check, store, folder / "lexical")
    if check.faults:
        writer.rewrite_lexical(readable_passages(store))
        yield f"Rebuilt the lexical index from {counted(store.count(), 'passage')}."


def _repair_vectors(
    store: PassageStore,
    writer: IndexWriter,
    dense: VectorIndex,
    embedder: Embedder,
    *,
    full: bool,
) -> Iterator[str]:
    width = len(embedder.embed_query("dimension"))
    if isinstance(dense, ShardedVectors) and (misplaced := dense.delete_misplaced()):
        yield f"Deleted {counted(misplaced, 'vector')} from servers that do not store their source."
    try:
        unusable = dense.dimension() not in (None, width)
        stored, written = (
            (0, 0) if unusable else _rewrite(store, writer, dense, embedder, full=full)
        )
    except IndexConnectionError:
        raise
    except IndexStorageError:
        unusable = True
    if unusable:
        writer.drop_vectors()
        writer.finish_pending()
        yield f"Rebuilt all vectors, {store.count():,}."
        return
    if written:
        yield f"Rebuilt {counted(written, 'vector')}."
    if dense.count() > stored:
        orphans = [
            id_ for part in chunks(dense.ids(), BATCH_SIZE) for id_ in _unknown_ids(store, part)
        ]
        for part in chunks(orphans, BATCH_SIZE):
            writer.delete_orphans(part)
        yield f"Deleted {counted(len(orphans), 'vector')} without a passage."


def _unknown_ids(store: PassageStore, ids: list[str]) -> set[str]:
    return set(ids) - store.matching(ids, None)


def _rewrite(
    store: PassageStore, writer: IndexWriter, dense: VectorIndex, embedder: Embedder, *, full: bool
) -> tuple[int, int]:
    """Write missing and wrong records; returns how many exist then, and how many were written."""
    stored = written = 0
    for batch in compare_vectors(store, dense, embedder, full=full):
        wrong = [passage for passage in batch.passages if passage.id in batch.faults]
        if wrong:
            writer.rewrite(wrong)
        missing = sum(fault is VectorFault.MISSING for fault in batch.faults.values())
        stored, written = stored + batch.stored + missing, written + len(wrong)
    return stored, written

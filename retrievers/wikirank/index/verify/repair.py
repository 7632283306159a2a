"""Mending an index from what is whole of it: the passages table is the truth for both indexes.

Each step can be killed and run again: ids are pending before anything of theirs changes, the
lexical index is rebuilt in one commit, and the ledger in one transaction.
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
    AT_ONCE,
    VectorFault,
    check_chroma_files,
    check_lexical,
    compare_vectors,
)
from wikirank.index.verify.report import Check, storage_faults
from wikirank.index.verify.run import unwritten_folder
from wikirank.index.writer import IndexWriter

# Without these there is nothing to mend from; the others are made again, empty.
_TRUTH = ("meta", "passages", "articles")


def repair_index(
    path: Path | str, *, full: bool = False, embedder: Embedder | None = None
) -> list[str]:
    """Mend an index as far as it can be from its passages.

    Args:
        path: The index's folder.
        full: Whether to make every vector again to find the wrong ones, or those of a sample.
        embedder: The model that made the vectors; None takes what the index recorded.

    Returns:
        What was done, a sentence each; none if nothing could or had to be done.

    Raises:
        IndexNotFoundError: If there is no index in the folder.
        IndexLockedError: If something writes to the index.
        IndexMismatchError: If another model made the index.
        IndexStorageError: If its database is damaged, so that there is nothing to mend from.
    """
    folder = unwritten_folder(path)
    _refuse_without_truth(folder / STORE_FILE)
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


def _refuse_without_truth(file: Path) -> None:
    check = Check()
    check_database(check, file)
    if not check.faults:
        check_tables(check, file, of=_TRUTH)
    if check.faults:
        msg = (
            f"{file} is damaged ({'; '.join(check.examples)}), and with it what the index could "
            "be mended from. Nothing was changed. Index the sources again into a new folder."
        )
        raise IndexStorageError(msg)


def _remove_unusable(folder: Path, store: PassageStore) -> Iterator[str]:
    """Take away what cannot be opened or trusted; it is made again from the passages."""
    if fault := _lexical_fault(folder / "lexical"):
        shutil.rmtree(folder / "lexical", ignore_errors=True)
        yield f"The lexical index was damaged and taken away ({fault})."
    if store.read_meta()["chroma_url"]:
        return
    if fault := _vectors_fault(folder, store):
        with store.transaction() as connection:
            add_all_pending(connection)
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
        yield f"The vectors were damaged and all made again ({fault})."


def _lexical_fault(folder: Path) -> str | None:
    if fault := lexical_fault(folder, full=True):
        return fault
    check = Check()
    with storage_faults(check):
        LexicalIndex(folder).holding(["none"])
    return check.examples[0] if check.faults else None


def _vectors_fault(folder: Path, store: PassageStore) -> str | None:
    check, meta = Check(), store.read_meta()
    check_chroma_files(check, folder, meta["collection"])
    if not check.faults:
        with storage_faults(check), open_dense(folder, store, meta) as dense:
            dense.dimension()  # Has Chroma apply its log, which may hold what it cannot apply.
    return check.examples[0] if check.faults else None


def _repair_passages(store: PassageStore, writer: IndexWriter) -> Iterator[str]:
    """Ledger and passages: what only a source can say is noted, so that it is asked again."""
    unreadable = list(unreadable_ids(store))
    recalled: list[tuple[str, str]] = []
    keys: set[str] = set()
    check = Check()
    faults = 0
    for article, passages in check_articles(check, store):
        keys.update(key for passage in passages for key in filter_keys(passage.metadata))
        if check.faults > faults:
            recalled.append(article)
        faults = check.faults
    connection = store.connection
    recalled += connection.execute(PASSAGES_WITHOUT_ARTICLE).fetchall()
    empty = connection.execute(ARTICLES_WITHOUT_PASSAGES).fetchall()
    missing = sorted(keys - store.recorded_keys())
    with store.transaction() as connection:
        connection.executemany("INSERT INTO metadata_keys VALUES (?)", [(k,) for k in missing])
        delete_passages(connection, unreadable)
        mark_for_reindex(connection, recalled + empty)
        connection.executemany("DELETE FROM articles WHERE source = ? AND article = ?", empty)
    if unreadable:
        writer.drop(unreadable)
        yield f"Dropped {counted(len(unreadable), 'passage')} that could not be read."
    if recalled or empty:
        number = len(set(recalled + empty))
        yield f"Marked {counted(number, 'article')} to be read again at the next indexing."
    if missing:
        yield f"Added {counted(len(missing), 'metadata key')} to those that a filter may name."


def _repair_lexical(store: PassageStore, writer: IndexWriter, folder: Path) -> Iterator[str]:
    check = Check()
    check_lexical(check, store, folder / "lexical")
    if check.faults:
        writer.rewrite_lexical(readable_passages(store))
        yield f"The lexical index was made anew of {counted(store.count(), 'passage')}."


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
        yield f"Deleted {counted(misplaced, 'vector')} from servers that do not hold their source."
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
        writer.forget_vectors()
        writer.finish()
        yield f"All vectors were made anew, {store.count():,}."
        return
    if written:
        yield f"Made {counted(written, 'vector')} again."
    if dense.count() > stored:
        orphans = [id_ for part in chunks(dense.ids(), AT_ONCE) for id_ in _without(store, part)]
        for part in chunks(orphans, AT_ONCE):
            writer.drop(part)
        yield f"Dropped {counted(len(orphans), 'vector')} of no passage."


def _without(store: PassageStore, ids: list[str]) -> set[str]:
    return set(ids) - store.matching(ids, None)


def _rewrite(
    store: PassageStore, writer: IndexWriter, dense: VectorIndex, embedder: Embedder, *, full: bool
) -> tuple[int, int]:
    """Write again what Chroma stores wrongly or not; how many it has then, and were written."""
    stored = written = 0
    for batch in compare_vectors(store, dense, embedder, full=full):
        wrong = [passage for passage in batch.passages if passage.id in batch.faults]
        if wrong:
            writer.rewrite(wrong)
        missing = sum(fault is VectorFault.MISSING for fault in batch.faults.values())
        stored, written = stored + batch.stored + missing, written + len(wrong)
    return stored, written

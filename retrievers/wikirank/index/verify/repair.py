"""Mending an index from what is whole of it: the passages table is the truth for both indexes.

Each step can be killed and run again: ids are pending before anything of theirs changes, the
lexical index is rebuilt in one commit, and the ledger in one transaction.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from wikirank._util import chunks
from wikirank.embed import Embedder, load_embedder
from wikirank.errors import IndexConnectionError, IndexStorageError
from wikirank.index.bm25 import LexicalIndex
from wikirank.index.bm25_files import lexical_fault
from wikirank.index.languages import ENGLISH
from wikirank.index.ledger import add_all_pending, mark_for_reindex
from wikirank.index.metadata import filterable
from wikirank.index.preconditions import (
    STORE_FILE,
    check_made_by,
    no_index,
    refuse_without_database,
)
from wikirank.index.store import PassageStore, delete_passages
from wikirank.index.vectors.base import VectorIndex
from wikirank.index.vectors.embedded import FOLDER, EmbeddedVectors
from wikirank.index.vectors.hnsw_files import DATABASE, graph_fault
from wikirank.index.vectors.open import open_dense
from wikirank.index.vectors.sharded import ShardedVectors
from wikirank.index.verify.database import (
    ARTICLES_WITHOUT_PASSAGES,
    PASSAGES_WITHOUT_ARTICLE,
    articles_looked_at,
    check_database,
    check_tables,
    readable_passages,
    unreadable_ids,
)
from wikirank.index.verify.derived import AT_ONCE, MISSING, SAMPLE, check_lexical, compared
from wikirank.index.verify.report import Check
from wikirank.index.verify.run import refuse_writer
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
        embedder: The model that made the vectors; None takes the bundled one.

    Returns:
        What was done, a sentence each; none if nothing could or had to be done.

    Raises:
        IndexNotFoundError: If there is no index in the folder.
        IndexLockedError: If something writes to the index.
        IndexMismatchError: If another model made the index.
        IndexStorageError: If its database is damaged, so that there is nothing to mend from.
    """
    folder = Path(path).absolute()
    file = folder / STORE_FILE
    if not file.is_file():
        refuse_without_database(folder)
        raise no_index(folder)
    refuse_writer(folder)
    _refuse_without_truth(file)
    store = PassageStore(file)
    try:
        embedder = embedder or load_embedder()
        check_made_by(folder, store.read_meta(), embedder)
        done = list(_make_openable(folder, store))
        language = store.read_meta().get("language", ENGLISH)
        lexical = LexicalIndex(folder / "lexical", create=True, language=language)
        dense = open_dense(folder, store, store.read_meta(), create=True)
        if isinstance(dense, EmbeddedVectors):
            dense.mark_dirty()
        with IndexWriter(folder, store, dense, lexical, embedder) as writer:
            done += _mend_passages(store, writer)
            done += _mend_lexical(store, writer, folder)
            done += _mend_vectors(store, writer, dense, embedder, full=full)
        dense.close()
    finally:
        store.close()
    return done


def _refuse_without_truth(file: Path) -> None:
    check = Check("", "")
    check_database(check, file)
    if not check.faults:
        check_tables(check, file, of=_TRUTH)
    if check.faults:
        msg = (
            f"{file} is damaged ({'; '.join(check.examples)}), and with it what the index could "
            "be mended from. Nothing was changed. Index the sources again into a new folder."
        )
        raise IndexStorageError(msg)


def _make_openable(folder: Path, store: PassageStore) -> Iterator[str]:
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
    try:
        LexicalIndex(folder).holding(["none"])
    except IndexStorageError as err:
        return str(err)
    return None


def _vectors_fault(folder: Path, store: PassageStore) -> str | None:
    database, check = folder / FOLDER / DATABASE, Check("", "")
    if not database.exists():
        return f"{DATABASE} is missing"
    check_database(check, database)
    if check.faults:
        return check.examples[0]
    meta = store.read_meta()
    if fault := graph_fault(folder / FOLDER, meta["collection"]):
        return fault
    try:
        dense = open_dense(folder, store, meta)
        try:
            dense.dimension()  # Has Chroma apply its log, which may hold what it cannot apply.
        finally:
            dense.close()
    except IndexStorageError as err:
        return str(err)
    return None


def _mend_passages(store: PassageStore, writer: IndexWriter) -> Iterator[str]:
    """Ledger and passages: what only a source can say is noted, so that it is asked again."""
    unreadable = list(unreadable_ids(store))
    recalled: list[tuple[str, str]] = []
    keys: set[str] = set()
    check = Check("", "")
    faults = 0
    for article, passages in articles_looked_at(check, store):
        keys.update(key for passage in passages for key in filterable(passage.metadata))
        if check.faults > faults:
            recalled.append(article)
        faults = check.faults
    connection = store.connection
    recalled += connection.execute(PASSAGES_WITHOUT_ARTICLE).fetchall()
    empty = connection.execute(ARTICLES_WITHOUT_PASSAGES).fetchall()
    missing = sorted(keys - store.known_keys())
    with store.transaction() as connection:
        connection.executemany("INSERT INTO metadata_keys VALUES (?)", [(k,) for k in missing])
        delete_passages(connection, unreadable)
        mark_for_reindex(connection, recalled + empty)
        connection.executemany("DELETE FROM articles WHERE source = ? AND article = ?", empty)
    if unreadable:
        writer.drop(unreadable)
        yield f"{len(unreadable)} passages that could not be read were dropped."
    if recalled or empty:
        number = len(set(recalled + empty))
        yield f"{number} articles are to be read again when their source is indexed next."
    if missing:
        yield f"{len(missing)} metadata keys were added to those that a filter may name."


def _mend_lexical(store: PassageStore, writer: IndexWriter, folder: Path) -> Iterator[str]:
    check = Check("", "")
    check_lexical(check, store, folder / "lexical")
    if check.faults:
        writer.rewrite_lexical(readable_passages(store))
        yield f"The lexical index was made anew of {store.count()} passages."


def _mend_vectors(
    store: PassageStore,
    writer: IndexWriter,
    dense: VectorIndex,
    embedder: Embedder,
    *,
    full: bool,
) -> Iterator[str]:
    width = len(embedder.embed_query("dimension"))
    if isinstance(dense, ShardedVectors) and (misplaced := dense.delete_misplaced()):
        yield f"{misplaced} vectors were deleted from servers that do not hold their source."
    try:
        unusable = dense.dimension() not in (None, width)
        found, written = (0, 0) if unusable else _rewrite(store, writer, dense, embedder, full=full)
    except IndexConnectionError:
        raise
    except IndexStorageError:
        unusable = True
    if unusable:
        writer.forget_vectors()
        writer.finish()
        yield f"All {store.count()} vectors were made anew."
        return
    if written:
        yield f"{written} vectors were made again."
    if dense.count() > found:
        orphans = [id_ for part in chunks(dense.ids(), AT_ONCE) for id_ in _without(store, part)]
        for part in chunks(orphans, AT_ONCE):
            writer.drop(part)
        yield f"{len(orphans)} vectors that belonged to no passage were dropped."


def _without(store: PassageStore, ids: list[str]) -> set[str]:
    return set(ids) - store.matching(ids, None)


def _rewrite(
    store: PassageStore, writer: IndexWriter, dense: VectorIndex, embedder: Embedder, *, full: bool
) -> tuple[int, int]:
    """Write what Chroma has otherwise or not; how many it holds, and how many were written."""
    stride = 1 if full else max(1, store.count() // SAMPLE)
    found = written = 0
    for passages, faults, held, _ in compared(store, dense, embedder, stride):
        wrong = [passage for passage in passages if passage.id in faults]
        if wrong:
            writer.rewrite(wrong)
        missing = sum(fault == MISSING for fault in faults.values())
        found, written = found + held + missing, written + len(wrong)
    return found, written

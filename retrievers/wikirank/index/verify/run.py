"""Proving an index whole: every part of it against the passages table."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from wikirank.embed import Embedder, load_embedder
from wikirank.errors import (
    IndexConnectionError,
    IndexLockedError,
    IndexStorageError,
)
from wikirank.index.preconditions import (
    STORE_FILE,
    check_made_by,
    no_index,
    refuse_without_database,
)
from wikirank.index.store import PassageStore
from wikirank.index.vectors.embedded import FOLDER
from wikirank.index.vectors.hnsw_files import DATABASE, graph_fault
from wikirank.index.vectors.open import open_dense
from wikirank.index.verify.database import (
    check_database,
    check_ledger,
    check_passages,
    check_pending,
    check_settings,
    check_tables,
    sources_of,
)
from wikirank.index.verify.derived import check_lexical, check_vectors
from wikirank.index.verify.report import Check, CheckList, OnCheck, Verification


def verify_index(
    path: Path | str,
    *,
    full: bool = False,
    embedder: Embedder | None = None,
    on_check: OnCheck | None = None,
) -> Verification:
    """Check every part of an index; nothing is changed.

    Args:
        path: The index's folder.
        full: Whether to make all vectors again and compare them, or those of a sample.
        embedder: The model that made the vectors; None takes the bundled one.
        on_check: Told the name of each check as it begins.

    Returns:
        What was found.

    Raises:
        IndexNotFoundError: If there is no index in the folder.
        IndexLockedError: If something writes to the index, so that nothing certain can be said.
        IndexMismatchError: If another model made the index.
        IndexConnectionError: If its Chroma server does not answer.
    """
    folder = Path(path).absolute()
    if not (folder / STORE_FILE).is_file():
        refuse_without_database(folder)
        raise no_index(folder)
    refuse_writer(folder)
    result = Verification(str(folder))
    checks = CheckList(result, on_check)
    file = folder / STORE_FILE
    if checks.make("database", "files", lambda check: check_database(check, file)).faults:
        result.advice.append(_lost(folder, []))
        return result
    if checks.make("tables", "tables", lambda check: check_tables(check, file)).faults:
        result.advice.append(_lost(folder, []))
        return result
    store = PassageStore(file)
    try:
        before = store.last_write()
        _check_parts(checks, folder, store, embedder or load_embedder(), full=full)
        result.advice.extend(_advice(result, folder, store))
        refuse_writer(folder)
        if store.last_write() != before:
            raise IndexLockedError(_writer_message(folder))
    finally:
        store.close()
    return result


def refuse_writer(folder: Path) -> None:
    """Raise IndexLockedError if something writes to an index."""
    lock = folder / "write.lock"
    if not lock.exists():
        return
    try:
        with FileLock(lock, timeout=0):
            pass
    except Timeout as err:
        raise IndexLockedError(_writer_message(folder)) from err
    except OSError:
        return  # Nobody can write to a folder that is read-only.


def _writer_message(folder: Path) -> str:
    return (
        f"Another process is writing to {folder}, so that nothing certain can be said of it. "
        "Wait for it to end, then verify. Searches go on meanwhile."
    )


def _check_parts(
    checks: CheckList, folder: Path, store: PassageStore, embedder: Embedder, *, full: bool
) -> None:
    meta = store.read_meta()
    usable = not checks.make("settings", "settings", lambda c: check_settings(c, meta)).faults
    checks.make("passages", "passages", lambda check: check_passages(check, store))
    checks.make("ledger", "articles", lambda check: check_ledger(check, store))
    checks.make("half written", "passages", lambda check: check_pending(check, store))
    lexical = folder / "lexical"
    checks.make("lexical index", "passages", lambda check: check_lexical(check, store, lexical))
    if not usable:
        return
    check_made_by(folder, meta, embedder)
    if not meta["chroma_url"] and not _graph_is_whole(checks, folder, meta["collection"]):
        return
    checks.make(
        "vectors",
        "passages",
        lambda check: _check_dense(check, folder, store, embedder, full=full),
    )


def _graph_is_whole(checks: CheckList, folder: Path, collection: str) -> bool:
    """Look at Chroma's files before Chroma does, which a damaged one would crash."""
    database = folder / FOLDER / DATABASE

    def look(check: Check) -> None:
        if not database.exists():
            check.fault(f"there are no vectors in {folder / FOLDER}")
            return
        check_database(check, database)
        if fault := graph_fault(folder / FOLDER, collection):
            check.fault(f"the search graph is damaged: {fault}")

    return not checks.make("Chroma's files", "files", look).faults


def _check_dense(
    check: Check, folder: Path, store: PassageStore, embedder: Embedder, *, full: bool
) -> None:
    try:
        dense = open_dense(folder, store, store.read_meta())
    except IndexConnectionError:
        raise
    except IndexStorageError as err:
        check.fault(str(err))
        return
    try:
        check_vectors(check, store, dense, embedder, full=full)
    finally:
        dense.close()


def _advice(result: Verification, folder: Path, store: PassageStore) -> list[str]:
    faulty = {check.name for check in result.checks if check.faults}
    advice = []
    if faulty - {"settings"}:
        advice.append(f"wikirank verify --index {folder} --repair")
    if faulty & {"passages", "ledger"}:
        places = [place for _, place in sources_of(store)]
        advice.append(
            f"then wikirank index {' '.join(places) or 'SOURCE'} --into {folder}: what an article "
            "says can only come from its source"
        )
    if "settings" in faulty:
        advice.append(_lost(folder, [place for _, place in sources_of(store)]))
    return advice


def _lost(folder: Path, places: list[str]) -> str:
    return (
        f"This cannot be mended from the index alone. Index the sources into a new folder: "
        f"wikirank index {' '.join(places) or 'SOURCE'} --into NEW-FOLDER, then delete {folder}."
    )

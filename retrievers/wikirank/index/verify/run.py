"""Proving an index whole: every part of it against the passages table."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from wikirank.embed import Embedder, recorded_embedder
from wikirank.errors import IndexLockedError
from wikirank.index.ledger import locations
from wikirank.index.preconditions import (
    check_made_by,
    no_index,
    refuse_without_database,
)
from wikirank.index.store import STORE_FILE, PassageStore
from wikirank.index.verify.database import (
    check_database,
    check_ledger,
    check_passages,
    check_pending,
    check_settings,
    check_tables,
)
from wikirank.index.verify.derived import check_chroma_files, check_lexical, check_vectors
from wikirank.index.verify.report import CheckList, OnCheck, Verification


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
        embedder: The model that made the vectors; None takes what the index recorded.
        on_check: Told the name of each check as it begins.

    Returns:
        What was found.

    Raises:
        IndexNotFoundError: If there is no index in the folder.
        IndexLockedError: If something writes to the index, so that nothing certain can be said.
        IndexMismatchError: If another model made the index.
        IndexConnectionError: If its Chroma server does not answer.
    """
    folder = unwritten_folder(path)
    result = Verification(str(folder))
    checks = CheckList(result, on_check)
    file = folder / STORE_FILE
    readable = checks.make("database", "files", check_database, file)
    if not (readable and checks.make("tables", "tables", check_tables, file)):
        result.advice.append(_lost(folder, []))
        return result
    with PassageStore(file) as store:
        before = store.last_write()
        _check_parts(checks, folder, store, embedder, full=full)
        result.advice.extend(_advice(result, folder, store))
        refuse_writer(folder)
        if store.last_write() != before:
            raise IndexLockedError(_writer_message(folder))
    return result


def unwritten_folder(path: Path | str) -> Path:
    """The folder of an index that nothing writes to; see `verify_index` for what is raised."""
    folder = Path(path).absolute()
    if not (folder / STORE_FILE).is_file():
        refuse_without_database(folder)
        raise no_index(folder)
    refuse_writer(folder)
    return folder


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
    checks: CheckList, folder: Path, store: PassageStore, embedder: Embedder | None, *, full: bool
) -> None:
    meta = store.read_meta()
    usable = checks.make("settings", "settings", check_settings, meta)
    checks.make("passages", "passages", check_passages, store)
    checks.make("ledger", "articles", check_ledger, store)
    checks.make("half written", "passages", check_pending, store)
    checks.make("lexical index", "passages", check_lexical, store, folder / "lexical")
    if not usable:
        return
    model = embedder or recorded_embedder(meta.get("embedder_recipe"))
    check_made_by(folder, meta, model)
    if meta["chroma_url"] or checks.make(
        "Chroma's files", "files", check_chroma_files, folder, meta["collection"]
    ):
        checks.make("vectors", "passages", check_vectors, store, folder, model, full=full)


def _advice(result: Verification, folder: Path, store: PassageStore) -> list[str]:
    faulty = {check.name for check in result.checks if check.faults}
    advice, places = [], list(locations(store).values())
    if faulty - {"settings"}:
        advice.append(f"wikirank verify --index {folder} --repair")
    if faulty & {"passages", "ledger"}:
        advice.append(
            f"then wikirank index {' '.join(places) or 'SOURCE'} --into {folder}: what an article "
            "says can only come from its source"
        )
    if "settings" in faulty:
        advice.append(_lost(folder, places))
    return advice


def _lost(folder: Path, places: list[str]) -> str:
    return (
        f"This cannot be mended from the index alone. Index the sources into a new folder: "
        f"wikirank index {' '.join(places) or 'SOURCE'} --into NEW-FOLDER, then delete {folder}."
    )

"""Verify an index: check every part of it against the passages table."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from wikirank.embed import Embedder, recorded_embedder
from wikirank.errors import IndexLockedError
from wikirank.index.ledger import locations
from wikirank.index.preconditions import (
    check_made_by,
    no_index_error,
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
    """Check every part of an index, without changes.

    Args:
        path: Folder of the index.
        full: Compute all vectors again and compare them; otherwise about 200.
        embedder: The model that made the vectors; None loads the recorded one.
        on_check: Called with the name of each check when it begins.

    Returns:
        The results of all checks.

    Raises:
        IndexNotFoundError: If there is no index in the folder.
        IndexLockedError: If another process is writing to the index.
        IndexMismatchError: If the index was made with another model.
        IndexConnectionError: If its Chroma server does not answer.
    """
    folder = require_idle_index(path)
    result = Verification(str(folder))
    checks = CheckList(result, on_check)
    file = folder / STORE_FILE
    readable = checks.run("database", "files", check_database, file)
    if not (readable and checks.run("tables", "tables", check_tables, file)):
        result.advice.append(_reindex_advice(folder, []))
        return result
    with PassageStore(file) as store:
        before = store.last_write()
        _check_parts(checks, folder, store, embedder, full=full)
        result.advice.extend(_advice(result, folder, store))
        refuse_writer(folder)
        if store.last_write() != before:
            raise IndexLockedError(_writer_message(folder))
    return result


def require_idle_index(path: Path | str) -> Path:
    """Return the folder of an index; raises as `verify_index` if it is missing or written to."""
    folder = Path(path).absolute()
    if not (folder / STORE_FILE).is_file():
        refuse_without_database(folder)
        raise no_index_error(folder)
    refuse_writer(folder)
    return folder


def refuse_writer(folder: Path) -> None:
    """Raise IndexLockedError if another process is writing to an index."""
    lock = folder / "write.lock"
    if not lock.exists():
        return
    try:
        with FileLock(lock, timeout=0):
            pass
    except Timeout as err:
        raise IndexLockedError(_writer_message(folder)) from err
    except OSError:
        return  # The folder is read-only, so there is no writer.


def _writer_message(folder: Path) -> str:
    return (
        f"Another process is writing to {folder}, so it cannot be verified now. Wait for it to "
        "finish, then try again. Searches are not affected."
    )


def _check_parts(
    checks: CheckList, folder: Path, store: PassageStore, embedder: Embedder | None, *, full: bool
) -> None:
    meta = store.read_meta()
    usable = checks.run("settings", "settings", check_settings, meta)
    checks.run("passages", "passages", check_passages, store)
    checks.run("ledger", "articles", check_ledger, store)
    checks.run("half written", "passages", check_pending, store)
    checks.run("lexical index", "passages", check_lexical, store, folder / "lexical")
    if not usable:
        return
    model = embedder or recorded_embedder(meta.get("embedder_recipe"))
    check_made_by(folder, meta, model)
    if meta["chroma_url"] or checks.run(
        "Chroma's files", "files", check_chroma_files, folder, meta["collection"]
    ):
        checks.run("vectors", "passages", check_vectors, store, folder, model, full=full)


def _advice(result: Verification, folder: Path, store: PassageStore) -> list[str]:
    faulty = {check.name for check in result.checks if check.faults}
    advice, sources = [], list(locations(store).values())
    if faulty - {"settings"}:
        advice.append(f"wikirank verify --index {folder} --repair")
    if faulty & {"passages", "ledger"}:
        advice.append(
            f"then wikirank index {' '.join(sources) or 'SOURCE'} --into {folder}, because "
            "the text of an article can only come from its source"
        )
    if "settings" in faulty:
        advice.append(_reindex_advice(folder, sources))
    return advice


def _reindex_advice(folder: Path, sources: list[str]) -> str:
    return (
        "This cannot be repaired from the index alone. Index the sources into a new folder: "
        f"wikirank index {' '.join(sources) or 'SOURCE'} --into NEW-FOLDER, then delete {folder}."
    )

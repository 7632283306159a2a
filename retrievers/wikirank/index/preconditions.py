"""Checks before an index is created, opened or written to; each raises or does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wikirank._util import counted
from wikirank.embed import Embedder
from wikirank.errors import (
    IndexMismatchError,
    IndexNotFoundError,
    IndexStorageError,
    InvalidArgumentError,
)
from wikirank.index.languages import ENGLISH
from wikirank.index.store import STORE_FILE, PassageStore
from wikirank.index.vectors.base import VectorIndex
from wikirank.types import Passage

FORMAT = 1
SETTINGS = ("format", "wikirank_version", "embedder", "splitter", "chroma_url", "collection")


def is_index(path: Path) -> bool:
    """Whether a folder holds a complete index; a killed `create` leaves an incomplete one."""
    file = path / STORE_FILE
    if not file.is_file() or file.stat().st_size == 0:
        return False
    with PassageStore(file) as store:
        return bool(store.read_meta())


def no_index_error(folder: Path) -> IndexNotFoundError:
    """Return the error for a folder without an index."""
    msg = f"There is no index in {folder}. Create one: wikirank index SOURCE --into {folder}"
    return IndexNotFoundError(msg)


def refuse_occupied(folder: Path) -> None:
    """Refuse a path for a new index that is an index, a file, or a folder with other files."""
    if is_index(folder):
        msg = (
            f"Expected a folder without an index, got {folder}. Open it, or choose another folder."
        )
        raise IndexStorageError(msg)
    if folder.exists() and not folder.is_dir():
        msg = f"Expected a folder for the index, got the file {folder}. Choose another path."
        raise IndexStorageError(msg)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / STORE_FILE).exists():
        msg = f"Expected an empty folder, got {folder}, which has other files. Choose a new folder."
        raise IndexStorageError(msg)


def make_folder(folder: Path) -> None:
    """Create an index's folder; IndexStorageError if it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        msg = f"{folder} cannot be written to ({err}). Allow writing, or choose another folder."
        raise IndexStorageError(msg) from err


def refuse_without_database(folder: Path) -> None:
    """Refuse a folder that has other parts of an index but not its database."""
    if any((folder / part).exists() for part in ("lexical/meta.json", "chroma/chroma.sqlite3")):
        msg = (
            f"The index in {folder} has lost its passages: {STORE_FILE} is missing or empty. "
            "Index the sources again into a new folder."
        )
        raise IndexStorageError(msg)


def refuse_filled_collection(dense: VectorIndex, collection: str) -> None:
    """Refuse a collection for a new index that is not empty."""
    if count := dense.count():
        msg = (
            f"Expected an empty Chroma collection {collection!r}, got {counted(count, 'passage')} "
            "in it. Choose another name (--collection), or delete the collection."
        )
        raise IndexStorageError(msg)


def check_made_by(folder: Path, meta: Mapping[str, Any], embedder: Embedder) -> None:
    """Refuse an index with another format or embedder."""
    if missing := [name for name in SETTINGS if name not in meta]:
        msg = (
            f"The index in {folder} has lost its settings ({', '.join(missing)}). Index the "
            "sources again into a new folder."
        )
        raise IndexStorageError(msg)
    if meta["format"] != FORMAT:
        msg = (
            f"Expected index format {FORMAT} in {folder}, got {meta['format']} (wikirank "
            f"{meta['wikirank_version']}). Index the sources again into a new folder."
        )
        raise IndexMismatchError(msg)
    if meta["embedder"] != embedder.model_id:
        msg = (
            f"Expected the embedder {meta['embedder']} for the index in {folder}, got "
            f"{embedder.model_id}. Open it with the former, or index again with the latter."
        )
        raise IndexMismatchError(msg)


def refuse_other_settings(
    folder: Path, meta: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """Refuse an index whose settings differ from the expected ones; None accepts any."""
    for name, value in expected.items():
        # Only the language can be missing: older versions knew English alone.
        if value is not None and value != meta.get(name, ENGLISH):
            msg = (
                f"Expected {name} {meta.get(name)}, with which the index in {folder} was made, got "
                f"{value}. Leave this option out to add to the index, or choose another folder."
            )
            raise IndexMismatchError(msg)


def refuse_duplicates(passages: Iterable[Passage]) -> None:
    """Refuse passages if two have the same id."""
    seen: set[str] = set()
    for passage in passages:
        if passage.id in seen:
            msg = f"Expected passages with different ids, got {passage.id!r} twice. Change one id."
            raise InvalidArgumentError(msg)
        seen.add(passage.id)

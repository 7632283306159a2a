"""What an index refuses before anything is written or read: each check raises, or does nothing."""

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
    """Whether a folder holds a whole index; a killed `create` leaves none."""
    file = path / STORE_FILE
    if not file.is_file() or file.stat().st_size == 0:
        return False
    with PassageStore(file) as store:
        return bool(store.read_meta())


def no_index(folder: Path) -> IndexNotFoundError:
    """The error for a folder that holds no index."""
    msg = f"There is no index in {folder}. Make one: wikirank index SOURCE --into {folder}"
    return IndexNotFoundError(msg)


def refuse_foreign(folder: Path) -> None:
    """Refuse to make an index over another one, in a file, or among other things."""
    if is_index(folder):
        msg = f"There is an index in {folder} already. Open it, or choose another folder."
        raise IndexStorageError(msg)
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; an index needs a folder. Choose another path."
        raise IndexStorageError(msg)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / STORE_FILE).exists():
        msg = f"{folder} is not empty and holds no index. Choose an empty or a new folder."
        raise IndexStorageError(msg)


def make_folder(folder: Path) -> None:
    """Make an index's folder, or refuse where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        msg = f"{folder} cannot be written to ({err}). Allow it, or choose another folder."
        raise IndexStorageError(msg) from err


def refuse_without_database(folder: Path) -> None:
    """Refuse a folder that has the other parts of an index, but not its passages."""
    if any((folder / part).exists() for part in ("lexical/meta.json", "chroma/chroma.sqlite3")):
        msg = (
            f"The index in {folder} has lost its passages: {STORE_FILE} is missing or empty. "
            "Index the sources again into a new folder."
        )
        raise IndexStorageError(msg)


def refuse_filled(dense: VectorIndex, collection: str) -> None:
    """Refuse to make an index over a collection that holds passages."""
    if count := dense.count():
        msg = (
            f"The Chroma collection {collection!r} holds {counted(count, 'passage')} already. "
            f"Choose another name (--collection), or delete it first."
        )
        raise IndexStorageError(msg)


def check_made_by(folder: Path, meta: Mapping[str, Any], embedder: Embedder) -> None:
    """Refuse an index of another format or another embedder."""
    if missing := [name for name in SETTINGS if name not in meta]:
        msg = (
            f"The index in {folder} has lost its settings ({', '.join(missing)}). Index the "
            "sources again into a new folder."
        )
        raise IndexStorageError(msg)
    if meta["format"] != FORMAT:
        msg = (
            f"The index in {folder} has format {meta['format']} (wikirank "
            f"{meta['wikirank_version']}); this version reads format {FORMAT}. Index again."
        )
        raise IndexMismatchError(msg)
    if meta["embedder"] != embedder.model_id:
        msg = (
            f"The index in {folder} was embedded by {meta['embedder']}, not by "
            f"{embedder.model_id}. Open it with that model, or index again with this one."
        )
        raise IndexMismatchError(msg)


def refuse_other_settings(
    folder: Path, meta: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """Refuse an index made with other settings than those that are expected and not None."""
    for name, value in expected.items():
        if value is not None and value != meta.get(name, ENGLISH):
            msg = (
                f"The index in {folder} was made with {name} {meta.get(name)}, not "
                f"{value}. Leave that option out to add to it, or choose another folder."
            )
            raise IndexMismatchError(msg)


def refuse_duplicates(passages: Iterable[Passage]) -> None:
    """Refuse passages of which two have the same id."""
    seen: set[str] = set()
    for passage in passages:
        if passage.id in seen:
            msg = f"The passage id {passage.id!r} occurs twice. Give each passage an id of its own."
            raise InvalidArgumentError(msg)
        seen.add(passage.id)

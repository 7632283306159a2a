"""Create, open and delete the parts of an index: its store and its vectors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wikirank.embed import Embedder, recorded_embedder
from wikirank.index.ledger import pending
from wikirank.index.preconditions import (
    check_made_by,
    is_index,
    make_folder,
    no_index_error,
    refuse_filled_collection,
    refuse_occupied,
    refuse_without_database,
)
from wikirank.index.store import STORE_FILE, PassageStore
from wikirank.index.vectors.base import VectorIndex
from wikirank.index.vectors.open import open_dense, server_addresses
from wikirank.index.vectors.server import server_client


def create_parts(folder: Path, meta: Mapping[str, Any]) -> tuple[PassageStore, VectorIndex]:
    """Create the store and vectors of an index; the folder and collection must be empty."""
    refuse_occupied(folder)
    for url in server_addresses(meta["chroma_url"]):
        server_client(url)  # Raises before anything is on disk.
    make_folder(folder)
    store = PassageStore(folder / STORE_FILE)
    try:
        dense = open_dense(folder, store, meta, create=True)
        refuse_filled_collection(dense, meta["collection"])
        store.write_meta(meta)
    except BaseException:
        store.close()
        raise
    return store, dense


def open_parts(
    folder: Path, embedder: Embedder | None
) -> tuple[PassageStore, VectorIndex, Embedder]:
    """Open the store, vectors and embedder of an index; see `WikiIndex.open`."""
    if not is_index(folder):
        refuse_without_database(folder)
        raise no_index_error(folder)
    store = PassageStore(folder / STORE_FILE)
    try:
        meta = store.read_meta()
        embedder = embedder or recorded_embedder(meta.get("embedder_recipe"))
        check_made_by(folder, meta, embedder)
        # A run that rebuilt the vectors may have been killed before it created the collection.
        dense = open_dense(folder, store, meta, create=bool(pending(store, 1)))
    except BaseException:
        store.close()
        raise
    return store, dense, embedder


def delete_temporary(folder: Path, store: PassageStore, dense: VectorIndex, process: int) -> None:
    """Delete a temporary index, in the process that created it, not in a forked child."""
    if os.getpid() == process:
        dense.close()
        store.close()
        shutil.rmtree(folder, ignore_errors=True)

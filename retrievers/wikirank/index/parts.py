"""The parts of an index: made, opened, and, of a temporary one, deleted."""

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
    no_index,
    refuse_filled,
    refuse_foreign,
    refuse_without_database,
)
from wikirank.index.store import STORE_FILE, PassageStore
from wikirank.index.vectors.base import VectorIndex
from wikirank.index.vectors.open import named_servers, open_dense
from wikirank.index.vectors.server import server_client


def create_parts(folder: Path, meta: Mapping[str, Any]) -> tuple[PassageStore, VectorIndex]:
    """Make store and vectors of a new index; a folder or collection in use is refused."""
    refuse_foreign(folder)
    for url in named_servers(meta["chroma_url"]):
        server_client(url)  # Nothing is left on disk if it does not answer.
    make_folder(folder)
    store = PassageStore(folder / STORE_FILE)
    try:
        dense = open_dense(folder, store, meta, create=True)
        refuse_filled(dense, meta["collection"])
        store.write_meta(meta)
    except BaseException:
        store.close()
        raise
    return store, dense


def open_parts(
    folder: Path, embedder: Embedder | None
) -> tuple[PassageStore, VectorIndex, Embedder]:
    """Open store, vectors and embedder of an index; see `WikiIndex.open`."""
    if not is_index(folder):
        refuse_without_database(folder)
        raise no_index(folder)
    store = PassageStore(folder / STORE_FILE)
    try:
        meta = store.read_meta()
        embedder = embedder or recorded_embedder(meta.get("embedder_recipe"))
        check_made_by(folder, meta, embedder)
        # A run that makes the vectors again may have been killed before it made the collection.
        dense = open_dense(folder, store, meta, create=bool(pending(store, 1)))
    except BaseException:
        store.close()
        raise
    return store, dense, embedder


def discard(folder: Path, store: PassageStore, dense: VectorIndex, process: int) -> None:
    """Close and delete a temporary index of a process; a forked child leaves it to its parent."""
    if os.getpid() == process:
        dense.close()
        store.close()
        shutil.rmtree(folder, ignore_errors=True)

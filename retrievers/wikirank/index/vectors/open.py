"""Opens the dense index that an index's settings name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wikirank.index.store import PassageStore
from wikirank.index.vectors.base import VectorIndex
from wikirank.index.vectors.embedded import EmbeddedVectors
from wikirank.index.vectors.server import ServerVectors, server_client
from wikirank.index.vectors.sharded import ShardedVectors, named_servers


def open_dense(
    folder: Path, store: PassageStore, meta: Mapping[str, Any], *, create: bool = False
) -> VectorIndex:
    """Open the dense index that an index's settings name.

    Args:
        folder: The index's folder.
        store: Its store.
        meta: Its settings.
        create: Make the collection where there is none.

    Returns:
        The dense index.
    """
    name = meta["collection"]
    shards = [
        ServerVectors.open(server_client(url), name, create=create, server=url)
        for url in named_servers(meta["chroma_url"])
    ]
    if not shards:
        return EmbeddedVectors(folder, name, store.last_write, create=create)
    return shards[0] if len(shards) == 1 else ShardedVectors(shards, store)

"""Opens the dense index that an index's settings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wikirank.errors import InvalidArgumentError
from wikirank.index.store import PassageStore
from wikirank.index.vectors.base import VectorIndex
from wikirank.index.vectors.embedded import EmbeddedVectors
from wikirank.index.vectors.server import ServerVectors, server_client


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
    if len(shards) == 1:
        return shards[0]
    from wikirank.index.vectors.sharded import ShardedVectors  # Few indexes need it.

    return ShardedVectors(shards, store)


def named_servers(urls: str | Sequence[str] | None) -> list[str]:
    """The addresses of Chroma servers, as a caller or an index's settings name them.

    Args:
        urls: One address, several, or None.

    Returns:
        The addresses, in order; none for an index that keeps its vectors in its folder.

    Raises:
        InvalidArgumentError: If an address is named twice.
    """
    named = [urls] if isinstance(urls, str) else list(urls or ())
    for url in named:
        if named.count(url) > 1:
            msg = f"The Chroma server {url} is named twice. Name each once."
            raise InvalidArgumentError(msg)
    return named


def as_setting(urls: str | Sequence[str] | None) -> str | list[str] | None:
    """Servers as an index's settings name them: None for none, one as text, several as a list."""
    named = named_servers(urls)
    return named if len(named) > 1 else next(iter(named), None)

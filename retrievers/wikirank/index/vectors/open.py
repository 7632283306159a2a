"""Open the dense index that the settings of an index describe."""

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
    """Open the dense index that an index's settings describe; `create` adds missing collections."""
    name = meta["collection"]
    shards = [
        ServerVectors.open(server_client(url), name, create=create, server=url)
        for url in server_addresses(meta["chroma_url"])
    ]
    if not shards:
        return EmbeddedVectors(folder, name, store.last_write, create=create)
    if len(shards) == 1:
        return shards[0]
    from wikirank.index.vectors.sharded import ShardedVectors  # Few indexes need it.

    return ShardedVectors(shards, store)


def server_addresses(urls: str | Sequence[str] | None) -> list[str]:
    """Return server addresses as a list; InvalidArgumentError if an address occurs twice."""
    addresses = [urls] if isinstance(urls, str) else list(urls or ())
    for url in addresses:
        if addresses.count(url) > 1:
            msg = f"Expected different Chroma servers, got {url} twice. Name each once."
            raise InvalidArgumentError(msg)
    return addresses


def as_setting(urls: str | Sequence[str] | None) -> str | list[str] | None:
    """Return server addresses as a setting: None, a string, or a list of several."""
    addresses = server_addresses(urls)
    return addresses if len(addresses) > 1 else next(iter(addresses), None)

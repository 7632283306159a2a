"""Indexers that add passages to an index: ours, and langchain-chroma with torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contestants.stacks import OURS, chroma_store

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def load(name: str, folder: str) -> Answer:
    """Open an empty index and load its embedder.

    Args:
        name: `wikirank` or `langchain`.
        folder: Folder of the index; must not exist.

    Returns:
        A function that adds texts, given equally many `ids` and `texts`.
    """
    return _wikirank(folder) if name == OURS else _langchain(folder)


def _wikirank(folder: str) -> Answer:
    from wikirank.index import WikiIndex
    from wikirank.types import Passage

    index = WikiIndex.create(folder)

    def add(request: dict[str, Any]) -> dict[str, Any]:
        given = zip(request["ids"], request["texts"], strict=True)
        return {"written": index.add_passages(Passage(i, text, article=i) for i, text in given)}

    return add


def _langchain(folder: str) -> Answer:
    store = chroma_store(folder)

    def add(request: dict[str, Any]) -> dict[str, Any]:
        return {"written": len(store.add_texts(request["texts"], ids=request["ids"]))}

    return add

"""Loading of "provider:model" embedders, by a loader that `langchain_wikirank` registers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from wikirank.errors import ModelError

# A provider has two letters or more; one letter is a Windows drive.
_NAME = re.compile(r"[a-z][a-z0-9_-]+:[^\\/].*")
_loaders: list[Callable[[str], Any]] = []


def is_provider_model(name: str) -> bool:
    """Return whether a name has the form "provider:model"."""
    return _NAME.fullmatch(name) is not None


def register_provider_loader(loader: Callable[[str], Any]) -> None:
    """Register the function that loads an embedder by its "provider:model" name."""
    _loaders[:] = [loader]


def load_provider_embedder(name: str) -> Any:
    """Load an embedder such as "openai:text-embedding-3-small"."""
    return provider_loader(name)(name)


def provider_loader(name: str) -> Callable[[str], Any]:
    """Return the registered loader, which can be pickled and sent to another process.

    Args:
        name: The wanted embedder, for the error message.

    Returns:
        The function that `register_provider_loader` got.

    Raises:
        ModelError: If no loader is registered.
    """
    if not _loaders:
        msg = (
            f"Expected langchain_wikirank to load {name!r}, got wikirank alone. Import "
            "langchain_wikirank first."
        )
        raise ModelError(msg)
    return _loaders[0]

"""Who loads embedders of the form "provider:model": the engine itself knows no provider."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from wikirank.errors import ModelError

# The name of a drive of Windows is one letter.
_NAME = re.compile(r"[a-z][a-z0-9_-]+:[^\\/].*")
_loaders: list[Callable[[str], Any]] = []


def is_provider_model(name: str) -> bool:
    """Whether a name is of the form "provider:model"."""
    return _NAME.fullmatch(name) is not None


def register_provider_loader(loader: Callable[[str], Any]) -> None:
    """Say what loads an embedder by its "provider:model"; `langchain_wikirank` does."""
    _loaders[:] = [loader]


def load_of_provider(name: str) -> Any:
    """Load an embedder of a provider.

    Args:
        name: Such as "openai:text-embedding-3-small".

    Returns:
        The embedder.

    Raises:
        ModelError: If nothing is registered.
    """
    return provider_loader(name)(name)


def provider_loader(name: str) -> Callable[[str], Any]:
    """What loads embedders of providers, also in another process: it can be pickled.

    Args:
        name: Of the embedder that is wanted.

    Returns:
        What `register_provider_loader` was given.

    Raises:
        ModelError: If nothing is registered.
    """
    if not _loaders:
        msg = (
            f"Expected langchain_wikirank to load {name!r}, got wikirank alone. Import "
            "langchain_wikirank first."
        )
        raise ModelError(msg)
    return _loaders[0]

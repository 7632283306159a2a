"""Embedders named by LangChain provider and model, such as `openai:text-embedding-3-small`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from typing_extensions import override

from langchain_wikirank.embeddings import EmbeddingsEmbedder
from wikirank._extras import require_extra
from wikirank.embed import recorded_embedder
from wikirank.errors import MissingExtraError, ModelError

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")


class ProviderEmbedder(EmbeddingsEmbedder):
    """Embeddings of `init_embeddings`, which an index can load again by name.

    Args:
        embedding: The embeddings.
        name: Their name, "provider:model".
    """

    def __init__(self, embedding: Embeddings, name: str) -> None:
        super().__init__(embedding)
        self.recipe: dict[str, str | None] = {"model": name}
        self._name = name

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the name, because provider clients hold connections and keys."""
        return recorded_embedder, (self.recipe,)

    @override
    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._call(super().embed_passages, texts)

    @override
    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._call(super().embed_query, text)

    def _call(self, embed: Callable[[_Input], _Output], texts: _Input) -> _Output:
        try:
            return embed(texts)
        except Exception as err:
            msg = (
                f"Expected vectors from {self._name}, got {type(err).__name__}: {err}. Check the "
                "API key, the model name and the network, then try again."
            )
            raise ModelError(msg) from err


def load_provider_embedder(name: str) -> ProviderEmbedder:
    """Load embeddings with LangChain's `init_embeddings`.

    Args:
        name: "provider:model", such as "openai:text-embedding-3-small".

    Returns:
        The embedder.

    Raises:
        MissingExtraError: If langchain or the provider's package is not installed.
        ModelError: If the provider is unknown, or its client cannot be created.
    """
    require_extra("agents", f"The embedder {name}", ["langchain"])
    from langchain.embeddings import init_embeddings

    try:
        embedding = init_embeddings(name)
    except ImportError as err:
        msg = f"The embedder {name} needs a package that is not installed: {err}"
        raise MissingExtraError(msg) from err
    except Exception as err:  # Each provider has its own types, for example for a missing key.
        msg = f"Expected an embedder that LangChain can load, got {name!r}: {err}"
        raise ModelError(msg) from err
    return ProviderEmbedder(embedding, name)

"""A caller's LangChain embeddings as the engine's embedder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from langchain_wikirank.embeddings import WikiEmbeddings
from wikirank.embed import load_embedder
from wikirank.embed.protocol import Embedder


def embedder_from(embeddings: Embeddings) -> Embedder:
    """The embedder of the engine that stands for LangChain embeddings."""
    if isinstance(embeddings, WikiEmbeddings):
        return load_embedder()
    return _EmbeddingsEmbedder(embeddings)


class _EmbeddingsEmbedder:
    """LangChain embeddings behind the engine's `Embedder` protocol, rows of length 1."""

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings

    @property
    def model_id(self) -> str:
        """The class, and the model it names: what an index remembers."""
        cls = type(self._embeddings)
        names = (getattr(self._embeddings, field, None) for field in ("model", "model_name"))
        model = next((name for name in names if isinstance(name, str)), "")
        return f"{cls.__module__}.{cls.__qualname__}" + (f":{model}" if model else "")

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages: (n, dimensions), each row of length 1."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return _normalised(self._embeddings.embed_documents(list(texts)))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query: (dimensions,), of length 1."""
        row: NDArray[np.float32] = _normalised([self._embeddings.embed_query(text)])[0]
        return row


def _normalised(vectors: list[list[float]]) -> NDArray[np.float32]:
    matrix = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: NDArray[np.float32] = matrix / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit

"""The bundled embedder as LangChain embeddings, and LangChain embeddings as an embedder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from typing_extensions import override

from langchain_wikirank._async import run_in_worker
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


class WikiEmbeddings(Embeddings):
    """The bundled embedder, all-MiniLM-L6-v2 as int8 ONNX: 384 numbers a text, of length 1.

    The model is loaded at first use and shared by the process.

    Example:
        ```python
        from langchain_chroma import Chroma

        store = Chroma.from_documents(documents, WikiEmbeddings())
        ```
    """

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages.

        Args:
            texts: The passages.

        Returns:
            One vector a passage, in the same order.
        """
        vectors: list[list[float]] = load_embedder().embed_passages(texts).tolist()
        return vectors

    @override
    def embed_query(self, text: str) -> list[float]:
        """Embed a query.

        Args:
            text: The query.

        Returns:
            Its vector.
        """
        vector: list[float] = load_embedder().embed_query(text).tolist()
        return vector

    @override
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages without blocking the event loop.

        Args:
            texts: The passages.

        Returns:
            One vector a passage, in the same order.
        """
        return await run_in_worker(self.embed_documents, texts)

    @override
    async def aembed_query(self, text: str) -> list[float]:
        """Embed a query without blocking the event loop.

        Args:
            text: The query.

        Returns:
            Its vector.
        """
        return await run_in_worker(self.embed_query, text)

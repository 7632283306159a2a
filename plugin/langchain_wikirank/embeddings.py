"""Convert between the engine's embedders and LangChain embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from typing_extensions import override

from langchain_wikirank._async import run_in_worker
from wikirank.embed import load_embedder
from wikirank.embed.protocol import Embedder
from wikirank.errors import InvalidArgumentError

_MODEL_NAME_FIELDS = ("model", "model_name", "model_id", "deployment", "repo_id")


def embedder_from(embedding: Embeddings | None, *, normalise: bool = True) -> Embedder:
    """Wrap LangChain embeddings as an embedder of the engine.

    Args:
        embedding: LangChain embeddings; None for the bundled ones.
        normalise: Whether to scale vectors to length 1, as our own indexes need it.

    Returns:
        The embedder.

    Raises:
        InvalidArgumentError: If `embedding` is something else.
    """
    if embedding is None or isinstance(embedding, WikiEmbeddings):
        return load_embedder(device=embedding.device if embedding else None)
    if not isinstance(embedding, Embeddings):
        msg = (
            f"Expected LangChain Embeddings as embedding, got {type(embedding).__name__}. "
            "Pass other arguments by keyword, such as metadatas=."
        )
        raise InvalidArgumentError(msg)
    return EmbeddingsEmbedder(embedding, normalise=normalise)


class EmbeddingsEmbedder:
    """LangChain embeddings as an `Embedder` of the engine.

    Args:
        embedding: LangChain embeddings.
        normalise: Whether to scale each vector to length 1.
    """

    def __init__(self, embedding: Embeddings, *, normalise: bool = True) -> None:
        self._embedding = embedding
        self._normalise = normalise

    @property
    def provider(self) -> str:
        """Class name of the embeddings."""
        return type(self._embedding).__qualname__

    @property
    def model_name(self) -> str:
        """Model name from the fields of the embeddings; empty if they have none."""
        names = (getattr(self._embedding, field, None) for field in _MODEL_NAME_FIELDS)
        return next((name for name in names if isinstance(name, str)), "")

    @property
    def model_id(self) -> str:
        """Class and model name, as recorded in an index."""
        cls = type(self._embedding)
        name = self.model_name
        return f"{cls.__module__}.{cls.__qualname__}" + (f":{name}" if name else "")

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages; the result has shape (n, dimensions)."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return self._matrix(self._embedding.embed_documents(list(texts)))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query; the result has shape (dimensions,)."""
        row: NDArray[np.float32] = self._matrix([self._embedding.embed_query(text)])[0]
        return row

    def _matrix(self, vectors: list[list[float]]) -> NDArray[np.float32]:
        matrix = np.asarray(vectors, dtype=np.float32)
        return _normalise_rows(matrix) if self._normalise else matrix


def _normalise_rows(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: NDArray[np.float32] = matrix / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


class WikiEmbeddings(Embeddings):
    """The bundled embedder as LangChain embeddings: all-MiniLM-L6-v2 as int8 ONNX.

    Vectors have 384 dimensions and length 1. The model is loaded at first use and shared within the
    process.

    Args:
        device: "cpu", or "cuda" or "cuda:1" with onnxruntime-gpu; None for the CPU.

    Example:
        ```python
        from langchain_chroma import Chroma

        store = Chroma.from_documents(documents, WikiEmbeddings())
        ```
    """

    def __init__(self, device: str | None = None) -> None:
        self.device = device

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages.

        Args:
            texts: The passages.

        Returns:
            One vector of 384 numbers per passage, in the same order.
        """
        vectors: list[list[float]] = (
            load_embedder(device=self.device).embed_passages(texts).tolist()
        )
        return vectors

    @override
    def embed_query(self, text: str) -> list[float]:
        """Embed a query.

        Args:
            text: The query.

        Returns:
            A vector of 384 numbers.
        """
        vector: list[float] = load_embedder(device=self.device).embed_query(text).tolist()
        return vector

    @override
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages without blocking the event loop; see `embed_documents`."""
        return await run_in_worker(self.embed_documents, texts)

    @override
    async def aembed_query(self, text: str) -> list[float]:
        """Embed a query without blocking the event loop; see `embed_query`."""
        return await run_in_worker(self.embed_query, text)

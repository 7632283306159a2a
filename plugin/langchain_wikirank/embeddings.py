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
from wikirank.errors import InvalidArgumentError

_NAMES_OF_MODELS = ("model", "model_name", "model_id", "deployment", "repo_id")


def embedder_from(embedding: Embeddings | None, *, normalise: bool = True) -> Embedder:
    """The embedder of the engine that stands for LangChain embeddings.

    Args:
        embedding: The embeddings; None for the bundled ones.
        normalise: Whether its vectors are to have length 1, as those of our own indexes do.

    Returns:
        The embedder.

    Raises:
        InvalidArgumentError: If it is not LangChain embeddings.
    """
    if embedding is None or isinstance(embedding, WikiEmbeddings):
        return load_embedder(device=embedding.device if embedding else None)
    if not isinstance(embedding, Embeddings):
        msg = (
            f"Expected LangChain Embeddings as embedding, got {type(embedding).__name__}. "
            "Name other arguments, such as metadatas=."
        )
        raise InvalidArgumentError(msg)
    return EmbeddingsEmbedder(embedding, normalise=normalise)


class EmbeddingsEmbedder:
    """LangChain embeddings behind the engine's `Embedder` protocol.

    Args:
        embedding: The embeddings.
        normalise: Whether to scale each vector to length 1.
    """

    def __init__(self, embedding: Embeddings, *, normalise: bool = True) -> None:
        self._embedding = embedding
        self._normalise = normalise

    @property
    def provider(self) -> str:
        """The class of the embeddings."""
        return type(self._embedding).__qualname__

    @property
    def model_name(self) -> str:
        """The model that the embeddings name; empty if they name none."""
        names = (getattr(self._embedding, field, None) for field in _NAMES_OF_MODELS)
        return next((name for name in names if isinstance(name, str)), "")

    @property
    def model_id(self) -> str:
        """The class, and the model it names: what an index remembers."""
        cls = type(self._embedding)
        name = self.model_name
        return f"{cls.__module__}.{cls.__qualname__}" + (f":{name}" if name else "")

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages: (n, dimensions)."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return self._matrix(self._embedding.embed_documents(list(texts)))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query: (dimensions,)."""
        row: NDArray[np.float32] = self._matrix([self._embedding.embed_query(text)])[0]
        return row

    def _matrix(self, vectors: list[list[float]]) -> NDArray[np.float32]:
        matrix = np.asarray(vectors, dtype=np.float32)
        return _normalised(matrix) if self._normalise else matrix


def _normalised(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: NDArray[np.float32] = matrix / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


class WikiEmbeddings(Embeddings):
    """The bundled embedder, all-MiniLM-L6-v2 as int8 ONNX: 384 numbers a text, of length 1.

    The model is loaded at first use and shared by the process.

    Args:
        device: "cpu", "cuda" or "cuda:1" (with onnxruntime-gpu); None is the CPU.

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
            One vector a passage, in the same order.
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
            Its vector.
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

"""The bundled embedder as LangChain embeddings."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings
from typing_extensions import override

from langchain_wikirank._executor import run_in_worker
from wikirank.embed import load_embedder


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

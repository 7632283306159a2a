"""Embeddings other than the bundled ones: real models, and vectors of other lengths."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings


@lru_cache(maxsize=2)
def _model(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


class TorchEmbeddings(Embeddings):
    """all-MiniLM-L6-v2 in torch; `stretch` scales each text's vector to another length."""

    def __init__(self, folder: Path, stretch: bool = False) -> None:
        self.model_name = "all-MiniLM-L6-v2"
        self._folder = folder
        self._stretch = stretch

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors = _model(self._folder).encode(texts, normalize_embeddings=True)
        lengths = [1.0 + len(text) % 7 if self._stretch else 1.0 for text in texts]
        return (vectors * np.array(lengths)[:, np.newaxis]).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class LetterEmbeddings(Embeddings):
    """Letter bigram counts: 384 dimensions as in the bundled model, with another meaning."""

    model = "letters"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        rows = np.zeros((len(texts), 384))
        for row, text in zip(rows, texts, strict=True):
            for one, two in zip(text.lower(), text.lower()[1:], strict=False):
                row[(ord(one) * 31 + ord(two)) % 384] += 1
        return rows.tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

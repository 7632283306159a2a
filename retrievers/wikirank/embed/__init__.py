"""Embedders: the protocol, an ONNX backend, and a torch backend for any other model."""

from __future__ import annotations

from wikirank.embed.load import load_any_embedder, recorded_embedder
from wikirank.embed.onnx_embedder import OnnxEmbedder, is_bundled_embedder, load_embedder
from wikirank.embed.protocol import Embedder

__all__ = [
    "Embedder",
    "OnnxEmbedder",
    "is_bundled_embedder",
    "load_any_embedder",
    "load_embedder",
    "recorded_embedder",
]

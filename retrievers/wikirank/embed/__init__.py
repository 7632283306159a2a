"""Embedders: a protocol, and one that runs ONNX models on the CPU."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

from wikirank.embed.onnx_embedder import OnnxEmbedder
from wikirank.embed.protocol import Embedder
from wikirank.runtime.model_folder import bundled_model, read_description, read_model_folder

__all__ = ["Embedder", "OnnxEmbedder", "is_bundled_embedder", "load_embedder"]

_lock = threading.Lock()
_loaded: dict[Path, OnnxEmbedder] = {}


@lru_cache(maxsize=1)
def _bundled_id() -> str:
    return read_description(bundled_model("embedder")).model_id


def is_bundled_embedder(model_id: str) -> bool:
    """Whether an embedder is the bundled one, with which bundled weights were fitted."""
    return model_id == _bundled_id()


def load_embedder(path: str | Path | None = None) -> OnnxEmbedder:
    """The embedder of a folder, opened once a process; threads may share it.

    Args:
        path: A model folder of kind "embedder"; the bundled one by default.

    Returns:
        The embedder.

    Raises:
        ModelError: If the folder is missing, corrupt, or of another kind.
    """
    folder = Path(path).resolve() if path is not None else bundled_model("embedder")
    with _lock:
        if folder not in _loaded:
            _loaded[folder] = OnnxEmbedder(read_model_folder(folder, kind="embedder"))
        return _loaded[folder]

"""Embedders: a protocol, and one that runs ONNX models on the CPU."""

from __future__ import annotations

import threading
from pathlib import Path

from wikirank.embed.onnx_embedder import OnnxEmbedder
from wikirank.embed.protocol import Embedder
from wikirank.runtime.model_folder import bundled_model, read_model_folder

__all__ = ["Embedder", "OnnxEmbedder", "load_embedder"]

_lock = threading.Lock()
_loaded: dict[Path, OnnxEmbedder] = {}


def load_embedder(path: str | Path | None = None) -> OnnxEmbedder:
    """The embedder of a folder, opened once a process; threads may share it.

    Args:
        path: A model folder of kind "embedder"; the bundled one by default.

    Returns:
        The embedder.

    Raises:
        ModelError: The folder is missing, corrupt, or of another kind.
    """
    folder = Path(path).resolve() if path is not None else bundled_model("embedder")
    with _lock:
        if folder not in _loaded:
            _loaded[folder] = OnnxEmbedder(read_model_folder(folder, kind="embedder"))
        return _loaded[folder]

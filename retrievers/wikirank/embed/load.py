"""Loading an embedder by name: bundled, a folder, or a hub id."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from wikirank.embed.onnx_embedder import OnnxEmbedder
from wikirank.embed.protocol import Embedder
from wikirank.runtime.model_folder import (
    bundled_model,
    is_model_folder,
    local_folder,
    read_description,
    read_model_folder,
)

_lock = threading.Lock()
_loaded: dict[tuple[str, ...], Embedder] = {}


@lru_cache(maxsize=1)
def _bundled_id() -> str:
    return read_description(bundled_model("embedder")).model_id


def is_bundled_embedder(model_id: str) -> bool:
    """Whether an embedder is the bundled one, with which bundled weights were fitted."""
    return model_id == _bundled_id()


def load_embedder(path: str | Path | None = None) -> OnnxEmbedder:
    """The embedder of a model folder of ours, opened once a process; threads may share it.

    Args:
        path: A model folder of kind "embedder"; the bundled one by default.

    Returns:
        The embedder.

    Raises:
        ModelError: If the folder is missing, corrupt, or of another kind.
    """
    folder = Path(path).resolve() if path is not None else bundled_model("embedder")
    with _lock:
        embedder = _loaded.get((str(folder),))
        if not isinstance(embedder, OnnxEmbedder):
            embedder = OnnxEmbedder(read_model_folder(folder, kind="embedder"))
            _loaded[str(folder),] = embedder
        return embedder


def load_any_embedder(
    model: str | Path,
    *,
    revision: str | None = None,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
) -> Embedder:
    """Load an embedder by name, once a process and settings.

    A model folder of ours runs as ONNX on the CPU. Everything else runs in torch through
    sentence-transformers (the `[torch]` extra), from safetensors only and without remote code.

    Args:
        model: "bundled", a folder, or a hub id such as "intfloat/multilingual-e5-small".
        revision: Of a hub id: the commit, tag or branch.
        query_prompt: Put before every query, such as "query: "; None for what the model's own
            configuration says. Model folders of ours take none.
        passage_prompt: Likewise before every passage.

    Returns:
        The embedder; it knows how to be loaded again, which an index records.

    Raises:
        MissingExtraError: If the model needs the `[torch]` extra.
        ModelError: If the model is missing, corrupt, or of another kind.
    """
    prompts = {"query_prompt": query_prompt, "passage_prompt": passage_prompt}
    if model == "bundled":
        return load_embedder()
    folder = local_folder(model)
    if folder is not None and is_model_folder(folder):
        return load_embedder(folder)
    name = str(folder or model)
    # torch takes seconds to import.
    from wikirank.embed.torch_embedder import TorchEmbedder

    key = (name, repr(revision), repr(query_prompt), repr(passage_prompt))
    with _lock:
        if key not in _loaded:
            _loaded[key] = TorchEmbedder(name, revision=revision, **prompts)
        return _loaded[key]


def recorded_embedder(recipe: Mapping[str, str | None] | None) -> Embedder:
    """The embedder that an index recorded.

    Args:
        recipe: The arguments of `load_any_embedder`, as an embedder's `recipe` gives them; None
            for the bundled one.

    Returns:
        The embedder.

    Raises:
        MissingExtraError: If the model needs the `[torch]` extra.
        ModelError: If the model cannot be loaded.
    """
    if recipe is None:
        return load_embedder()
    settings = dict(recipe)
    return load_any_embedder(str(settings.pop("model")), **settings)

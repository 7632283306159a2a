"""Loading a cross-encoder by name: bundled, a folder, or a hub id."""

from __future__ import annotations

import threading
from pathlib import Path

from wikirank.errors import InvalidArgumentError
from wikirank.rank.onnx_cross_encoder import CascadeCrossEncoder, OnnxCrossEncoder
from wikirank.rank.protocol import CrossEncoder
from wikirank.runtime.model_folder import (
    ModelFolder,
    bundled_model,
    is_model_folder,
    local_folder,
    read_model_folder,
)

BUNDLED = "bundled"

_Settings = tuple[str, str | None, str | None, int | None, int | None]

_lock = threading.Lock()
_loaded: dict[_Settings, CrossEncoder] = {}


def load_cross_encoder(
    model: str | Path = BUNDLED,
    *,
    revision: str | None = None,
    device: str | None = None,
    max_length: int | None = None,
    batch_size: int | None = None,
) -> CrossEncoder:
    """Load a cross-encoder, once a process and settings; threads may share it.

    A model folder of ours runs as ONNX on the CPU, and so does a folder or hub id with an ONNX
    network in the hub's layout, of which the file for this CPU is taken. Everything else runs in
    torch through
    sentence-transformers (the `[torch]` extra), from safetensors only and without remote code:
    a reranker made of a language model by its `predict`, with its own prompts.

    Args:
        model: "bundled", a folder, or a hub id such as "cross-encoder/ms-marco-MiniLM-L6-v2".
        revision: Of a hub id: the commit, tag or branch.
        device: "cpu", "cuda", "mps", ...; None lets ONNX use the CPU and torch choose.
        max_length: Longest pair in tokens; the model's own by default.
        batch_size: Pairs a run; by default 1 for ONNX, 32 for torch, 256 on an NVIDIA GPU.

    Returns:
        The cross-encoder.

    Raises:
        InvalidArgumentError: If an argument is out of range, or does not go with the model.
        MissingExtraError: If the model needs the `[torch]` extra.
        ModelError: If the model is missing, corrupt, or of another kind.
    """
    folder = _folder(model)
    if revision is not None and folder is not None:
        msg = f"Expected revision only with a hub id, got {revision!r} with the folder {folder}."
        raise InvalidArgumentError(msg)
    if device == "cpu" and folder is not None and is_model_folder(folder):
        device = None  # The same: ONNX runs on the CPU.
    settings = str(folder or model), revision, device, max_length, batch_size
    with _lock:
        if settings not in _loaded:
            _loaded[settings] = _load(folder, settings)
        return _loaded[settings]


def _folder(model: str | Path) -> Path | None:
    """The folder that is meant, or None if it must be a hub id."""
    if not str(model):
        msg = f"Expected {BUNDLED!r}, a folder or a hub id as model, got an empty string."
        raise InvalidArgumentError(msg)
    if model == BUNDLED:
        return bundled_model("cross-encoder")
    return local_folder(model)


def _load(folder: Path | None, settings: _Settings) -> CrossEncoder:
    name, revision, device, max_length, batch_size = settings
    has_torch = folder is None or (folder / "config.json").is_file()
    if (
        folder is not None
        and device in (None, "cpu")
        and (is_model_folder(folder) or not has_torch)
    ):
        found = read_model_folder(folder, kind="cross-encoder")
        kind = CascadeCrossEncoder if found.prefilter else OnnxCrossEncoder
        size = 1 if batch_size is None else batch_size
        return kind(found, max_length=max_length, batch_size=size)
    if device in (None, "cpu") and (layout := _hub_layout(folder, name, revision)):
        size = 1 if batch_size is None else batch_size
        return OnnxCrossEncoder(layout, max_length=max_length, batch_size=size)
    if not has_torch:
        msg = (
            f"Expected torch weights in {folder} for device {device!r}, got a folder without "
            "config.json. Name a sentence-transformers folder or a hub id, or use the CPU."
        )
        raise InvalidArgumentError(msg)
    # Not needed to search with the bundled model.
    from wikirank.rank.torch_cross_encoder import load_torch_cross_encoder

    return load_torch_cross_encoder(
        name,
        revision=revision,
        device=device,
        max_length=max_length,
        batch_size=batch_size,
    )


def _hub_layout(folder: Path | None, name: str, revision: str | None) -> ModelFolder | None:
    """The model as ONNX, if it has a network in the hub's layout; None if not."""
    from wikirank.runtime.hub_onnx import network_in, read_hub_folder

    if folder is None:
        # The hub's client is slow to import.
        from wikirank.runtime.hub import hub_onnx_folder

        folder = hub_onnx_folder(name, revision)
    network = None if folder is None else network_in(folder)
    if folder is None or network is None:
        return None
    model_id = f"{name}@{revision}" if revision else name
    return read_hub_folder(folder, network, model_id=model_id, kind="cross-encoder")

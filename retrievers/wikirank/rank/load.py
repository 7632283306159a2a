"""Load a cross-encoder by name: bundled, a folder, or a hub id."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from wikirank._util import ForkSafeLock
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
from wikirank.runtime.model_pairs import BUNDLED, MODEL_PAIRS
from wikirank.runtime.providers import execution_providers, is_cuda, runs_onnx
from wikirank.runtime.session import default_batch_size

_Settings = tuple[str, str | None, str | None, int | None, int | None]

_lock = ForkSafeLock()
_loaded: dict[_Settings, CrossEncoder] = {}


def load_cross_encoder(
    model: str | Path = BUNDLED,
    *,
    revision: str | None = None,
    device: str | None = None,
    max_length: int | None = None,
    batch_size: int | None = None,
) -> CrossEncoder:
    """Load a cross-encoder, once per process and settings; threads may share it.

    A wikirank model folder runs as ONNX on the CPU. So does a folder or hub id with an ONNX file in
    the hub's layout; the file that suits this CPU is chosen. With onnxruntime-gpu both also run on
    "cuda". Any other model runs in torch through sentence-transformers (the `[torch]` extra), from
    safetensors only and without remote code. A reranker based on a language model then runs through
    its `predict`, with its own prompts.

    Args:
        model: "bundled", a folder, or a hub id such as "cross-encoder/ms-marco-MiniLM-L6-v2";
            "multilingual" is the one in `wikirank.runtime.model_pairs`.
        revision: Commit, tag or branch, for a hub id only.
        device: "cpu", "cuda", "mps", ...; None means the CPU for ONNX and torch's choice for torch.
        max_length: Longest pair in tokens; None for the model's own limit.
        batch_size: Pairs per run; by default 1 for ONNX, 32 for torch, more on an NVIDIA GPU.

    Returns:
        The cross-encoder.

    Raises:
        InvalidArgumentError: If an argument is out of range, or does not fit the model.
        MissingExtraError: If the model needs the `[torch]` extra, or onnxruntime-gpu.
        ModelError: If the model is missing, corrupt, or of another kind.
    """
    model, revision = resolve_reranker(model, revision)
    folder = _folder(model)
    if revision is not None and folder is not None:
        msg = (
            f"Expected revision only with a hub id, got {revision!r} with the folder {folder}. "
            "Leave it out."
        )
        raise InvalidArgumentError(msg)
    if device == "cpu" and folder is not None and is_model_folder(folder):
        device = None  # The same model: ONNX runs on the CPU by default.
    settings = str(folder or model), revision, device, max_length, batch_size
    with _lock:
        if settings not in _loaded:
            _loaded[settings] = _load(folder, settings)
        return _loaded[settings]


def resolve_reranker(model: str | Path, revision: str | None) -> tuple[str | Path, str | None]:
    """Replace the name of a model pair, such as "multilingual", by its reranker and commit."""
    if model not in MODEL_PAIRS:
        return model, revision
    pair = MODEL_PAIRS[str(model)]
    return pair.reranker, revision or pair.reranker_revision


def refuse_bundled(model: str | Path) -> str | Path:
    """Raise InvalidArgumentError for the bundled model, which is already calibrated."""
    if model == BUNDLED or _folder(model) == bundled_model("cross-encoder"):
        msg = (
            "Expected a model of yours, got the bundled one, which is already calibrated. "
            "Name another."
        )
        raise InvalidArgumentError(msg)
    return model


def _folder(model: str | Path) -> Path | None:
    """Return the model's folder, or None if `model` can only be a hub id."""
    if not str(model):
        msg = f"Expected {BUNDLED!r}, a folder or a hub id, got an empty string. Name a model."
        raise InvalidArgumentError(msg)
    if model == BUNDLED:
        return bundled_model("cross-encoder")
    return local_folder(model)


def _load(folder: Path | None, settings: _Settings) -> CrossEncoder:
    name, revision, device, max_length, batch_size = settings
    has_torch = folder is None or (folder / "config.json").is_file()
    if runs_onnx(device):
        if folder is not None and (is_model_folder(folder) or not has_torch):
            model_folder: ModelFolder | None = read_model_folder(folder, kind="cross-encoder")
        else:
            model_folder = _find_hub_model(folder, name, revision, device)
        if model_folder is not None:
            backend = CascadeCrossEncoder if model_folder.prefilter else OnnxCrossEncoder
            size = default_batch_size(batch_size, device)
            return backend(model_folder, max_length=max_length, batch_size=size, device=device)
    if not has_torch or (is_cuda(device) and find_spec("sentence_transformers") is None):
        execution_providers(device)  # Raises an error that says what is missing.
    # Imported late: the bundled model does not need it.
    from wikirank.rank.torch_cross_encoder import load_torch_cross_encoder

    return load_torch_cross_encoder(
        name,
        revision=revision,
        device=device,
        max_length=max_length,
        batch_size=batch_size,
    )


def _find_hub_model(
    folder: Path | None, name: str, revision: str | None, device: str | None
) -> ModelFolder | None:
    """Return the model if it has an ONNX file in the hub's layout; None otherwise."""
    # Imported late: the bundled model does not need them.
    from wikirank.runtime.hub_onnx import find_hub_folder
    from wikirank.runtime.kept_calibration import calibrated

    model_folder = find_hub_folder(
        folder, name, revision, kind="cross-encoder", on_gpu=is_cuda(device)
    )
    if model_folder is None:
        return None
    return replace(
        model_folder, description=calibrated(model_folder.description, folder or name, revision)
    )

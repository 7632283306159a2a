"""Load an embedder by name: bundled, a folder, a hub id, or a provider's model."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wikirank._util import ForkSafeLock
from wikirank.embed.onnx_embedder import load_embedder
from wikirank.embed.protocol import Embedder
from wikirank.errors import InvalidArgumentError
from wikirank.runtime.model_folder import is_model_folder, local_folder
from wikirank.runtime.model_pairs import BUNDLED, MODEL_PAIRS
from wikirank.runtime.providers import execution_providers, is_cuda, runs_onnx

_lock = ForkSafeLock()
_loaded: dict[tuple[str, ...], Embedder] = {}


def load_any_embedder(
    model: str | Path,
    *,
    revision: str | None = None,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    device: str | None = None,
) -> Embedder:
    """Load an embedder by name, once per process and settings.

    A wikirank model folder runs as ONNX on the CPU. So does a folder or hub id with an ONNX file in
    the hub's layout; the file that suits this CPU is chosen. With onnxruntime-gpu both also run on
    "cuda". Any other model runs in torch through sentence-transformers (the `[torch]` extra), from
    safetensors only and without remote code.

    Args:
        model: "bundled", a folder, or a hub id such as "intfloat/multilingual-e5-small";
            "multilingual" is the one in `wikirank.runtime.model_pairs`, with its prompts;
            "provider:model" is one of LangChain's.
        revision: Commit, tag or branch, for a hub id only.
        query_prompt: Text put before every query, such as "query: "; None for the prompt in the
            model's configuration.
        passage_prompt: Text put before every passage; None for the prompt in the model's
            configuration.
        device: "cpu", "cuda", "mps", ...; None means the CPU for ONNX and torch's choice for torch.

    Returns:
        The embedder. Its `recipe`, which an index records, loads it again on any device.

    Raises:
        InvalidArgumentError: If a revision is passed with a folder, a prompt with the bundled
            model or a wikirank model folder, or a device with a provider's model.
        MissingExtraError: If the model needs the `[torch]` extra, or onnxruntime-gpu.
        ModelError: If the model is missing, corrupt, or of another kind.
    """
    if model in MODEL_PAIRS:
        pair = MODEL_PAIRS[str(model)]
        model, revision = pair.embedder, revision or pair.embedder_revision
        query_prompt = pair.query_prompt if query_prompt is None else query_prompt
        passage_prompt = pair.passage_prompt if passage_prompt is None else passage_prompt
    recipe = {"revision": revision, "query_prompt": query_prompt, "passage_prompt": passage_prompt}
    folder = None if model == BUNDLED else local_folder(model)
    if folder is not None and revision is not None:
        msg = (
            f"Expected revision only with a hub id, got {revision!r} with the folder {folder}. "
            "Leave it out."
        )
        raise InvalidArgumentError(msg)
    if model == BUNDLED or (folder is not None and is_model_folder(folder)):
        _check_unset(recipe, model)
        return load_embedder(folder, device=device)
    # Imported late: the bundled model does not need it.
    from wikirank._providers import is_provider_model

    if folder is None and is_provider_model(str(model)):
        _check_unset({**recipe, "device": device}, model)
    recipe = {"model": str(folder or model), **recipe}
    key = tuple(map(repr, (*recipe.values(), device)))
    with _lock:
        if key not in _loaded:
            _loaded[key] = _load(folder, recipe, device)
        return _loaded[key]


def _check_unset(settings: Mapping[str, str | None], model: str | Path) -> None:
    names = [name for name, value in settings.items() if value is not None]
    if names:
        msg = (
            f"Expected no {' or '.join(names)} for {model}, got one. "
            "Leave it out, or name a hub model."
        )
        raise InvalidArgumentError(msg)


def _load(folder: Path | None, recipe: dict[str, str | None], device: str | None) -> Embedder:
    # Imported late: the bundled model does not need them.
    from wikirank._providers import is_provider_model, load_provider_embedder
    from wikirank.embed.hub_embedder import HubEmbedder
    from wikirank.embed.sentence_layout import read_sentence_layout
    from wikirank.runtime.hub_onnx import find_hub_folder

    name = str(recipe["model"])
    if folder is None and is_provider_model(name):
        provider_embedder: Embedder = load_provider_embedder(name)
        return provider_embedder
    on_gpu = is_cuda(device)
    hub_folder = (
        find_hub_folder(folder, name, recipe["revision"], kind="embedder", on_gpu=on_gpu)
        if runs_onnx(device)
        else None
    )
    layout = None if hub_folder is None else read_sentence_layout(hub_folder.path)
    if hub_folder is not None and layout is not None:
        copyreg.pickle(HubEmbedder, _reduce_to_recipe)
        return HubEmbedder(hub_folder, layout, recipe, device=device)
    if on_gpu and find_spec("sentence_transformers") is None:
        execution_providers(device)  # Raises an error that says what is missing.
    # Imported late: torch takes seconds to import.
    from wikirank.embed.torch_embedder import TorchEmbedder

    copyreg.pickle(TorchEmbedder, _reduce_to_recipe)
    return TorchEmbedder(
        name,
        revision=recipe["revision"],
        query_prompt=recipe["query_prompt"],
        passage_prompt=recipe["passage_prompt"],
        device=device,
    )


def _reduce_to_recipe(embedder: Any) -> tuple[Any, ...]:
    """Pickle an embedder as its recipe; unpickling loads it again."""
    return recorded_embedder, (embedder.recipe, embedder.device)


def recorded_embedder(
    recipe: Mapping[str, str | None] | None, device: str | None = None
) -> Embedder:
    """Load the embedder that an index recorded.

    Args:
        recipe: An embedder's `recipe`, the arguments of `load_any_embedder`; None for the bundled
            embedder.
        device: See `load_any_embedder`.

    Returns:
        The embedder.

    Raises:
        MissingExtraError: If the model needs the `[torch]` extra, or onnxruntime-gpu.
        ModelError: If the model cannot be loaded.
    """
    if recipe is None:
        return load_embedder(device=device)
    settings = dict(recipe)
    return load_any_embedder(str(settings.pop("model")), **settings, device=device)

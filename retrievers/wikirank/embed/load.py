"""Loading an embedder by name: bundled, a folder, or a hub id."""

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
    """Load an embedder by name, once a process and settings.

    A model folder of ours runs as ONNX on the CPU, and so does a folder or hub id with an ONNX
    network in the hub's layout, of which the file for this CPU is taken; with onnxruntime-gpu both
    run on "cuda" too. Everything else runs in torch through sentence-transformers (the `[torch]`
    extra), from safetensors only and without remote code.

    Args:
        model: "bundled", a folder, or a hub id such as "intfloat/multilingual-e5-small";
            "multilingual" is the one of `wikirank.runtime.model_pairs`, with its prompts;
            "provider:model" is one of LangChain's.
        revision: Of a hub id: the commit, tag or branch.
        query_prompt: Put before every query, such as "query: "; None for what the model's own
            configuration says.
        passage_prompt: Likewise before every passage.
        device: "cpu", "cuda", "mps", ...; None lets ONNX use the CPU and torch choose.

    Returns:
        The embedder; it knows how to be loaded again, which an index records, on whatever device.

    Raises:
        InvalidArgumentError: If a revision is given with a folder, a prompt with the bundled
            model or a model folder of ours, or a device with a provider's.
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
        msg = f"Expected revision only with a hub id, got {revision!r} with the folder {folder}."
        raise InvalidArgumentError(msg)
    if model == BUNDLED or (folder is not None and is_model_folder(folder)):
        _refuse(recipe, model)
        return load_embedder(folder, device=device)
    from wikirank._providers import is_provider_model  # The bundled one needs none of it.

    if folder is None and is_provider_model(str(model)):
        _refuse({**recipe, "device": device}, model)
    recipe = {"model": str(folder or model), **recipe}
    key = tuple(map(repr, (*recipe.values(), device)))
    with _lock:
        if key not in _loaded:
            _loaded[key] = _load(folder, recipe, device)
        return _loaded[key]


def _refuse(settings: Mapping[str, str | None], model: str | Path) -> None:
    names = [name for name, value in settings.items() if value is not None]
    if names:
        msg = (
            f"Expected {model} without {', '.join(names)}, which it takes none of. "
            "Leave that out, or name a model of the hub."
        )
        raise InvalidArgumentError(msg)


def _load(folder: Path | None, recipe: dict[str, str | None], device: str | None) -> Embedder:
    # The bundled one needs none of these.
    from wikirank._providers import is_provider_model, load_provider_embedder
    from wikirank.embed.hub_embedder import HubEmbedder
    from wikirank.embed.sentence_layout import read_sentence_layout
    from wikirank.runtime.hub_onnx import find_hub_folder

    name = str(recipe["model"])
    if folder is None and is_provider_model(name):
        of_provider: Embedder = load_provider_embedder(name)
        return of_provider
    on_gpu = is_cuda(device)
    hub = (
        find_hub_folder(folder, name, recipe["revision"], kind="embedder", on_gpu=on_gpu)
        if runs_onnx(device)
        else None
    )
    layout = None if hub is None else read_sentence_layout(hub.path)
    if hub is not None and layout is not None:
        copyreg.pickle(HubEmbedder, _by_recipe)
        return HubEmbedder(hub, layout, recipe, device=device)
    if on_gpu and find_spec("sentence_transformers") is None:
        execution_providers(device)  # Says what is missing.
    # torch takes seconds to import.
    from wikirank.embed.torch_embedder import TorchEmbedder

    copyreg.pickle(TorchEmbedder, _by_recipe)
    return TorchEmbedder(
        name,
        revision=recipe["revision"],
        query_prompt=recipe["query_prompt"],
        passage_prompt=recipe["passage_prompt"],
        device=device,
    )


def _by_recipe(embedder: Any) -> tuple[Any, ...]:
    """An embedder is pickled as what it is loaded by, from `recorded_embedder`."""
    return recorded_embedder, (embedder.recipe, embedder.device)


def recorded_embedder(
    recipe: Mapping[str, str | None] | None, device: str | None = None
) -> Embedder:
    """The embedder that an index recorded.

    Args:
        recipe: The arguments of `load_any_embedder`, as an embedder's `recipe` gives them; None
            for the bundled one.
        device: As of `load_any_embedder`.

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

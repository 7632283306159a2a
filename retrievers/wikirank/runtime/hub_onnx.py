"""Models in the hub's layout that hold ONNX files: run without torch.

`cross-encoder/ms-marco-MiniLM-L6-v2` and many others have `config.json`, `tokenizer.json`,
`onnx/model.onnx`, and beside the latter networks quantised for one kind of CPU each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wikirank.errors import ModelError
from wikirank.runtime.model_description import ModelDescription, ModelKind
from wikirank.runtime.model_folder import TOKENIZER_FILE, ModelFolder
from wikirank.runtime.networks import CONFIG_FILE, network_in

# Positions that RoBERTa and its kin keep for padding.
_OFFSET = 2


@dataclass(frozen=True)
class HubModelFolder(ModelFolder):
    """A folder in the hub's layout, its network chosen.

    Attributes:
        file: The network.
    """

    file: Path

    @property
    def network(self) -> Path:
        """The network that gives vectors or logits."""
        return self.file


def find_hub_folder(
    folder: Path | None,
    name: str,
    revision: str | None = None,
    *,
    kind: ModelKind,
    on_gpu: bool = False,
) -> ModelFolder | None:
    """A model in the hub's layout that has an ONNX network.

    Args:
        folder: Its folder; None if it is on the hub or in the hub's cache.
        name: The hub id, or what to call the model.
        revision: Of a hub id: the commit, tag or branch.
        kind: What it must be.
        on_gpu: Whether a GPU is to run it.

    Returns:
        The folder, safe to open; None if the model has no ONNX network.

    Raises:
        ModelError: If a file is missing or corrupt, or the hub answered with an error.
    """
    if folder is None:
        # The hub's client is slow to import.
        from wikirank.runtime.hub import hub_onnx_folder

        folder = hub_onnx_folder(name, revision, on_gpu=on_gpu)
    network = None if folder is None else network_in(folder, on_gpu=on_gpu)
    if folder is None or network is None:
        return None
    model_id = f"{name}@{revision}" if revision else name
    return read_hub_folder(folder, network, model_id=model_id, kind=kind)


def read_hub_folder(folder: Path, network: Path, *, model_id: str, kind: ModelKind) -> ModelFolder:
    """Read a folder in the hub's layout.

    Args:
        folder: The folder.
        network: Its network, as `network_in` gives it.
        model_id: What to call the model.
        kind: What it must be.

    Returns:
        The folder, safe to open.

    Raises:
        ModelError: If a file is missing or corrupt, or a cross-encoder has more labels than one.
    """
    config = _read(folder / CONFIG_FILE)
    labels = config.get("num_labels") or len(config.get("id2label") or {}) or 1
    if kind == "cross-encoder" and labels != 1:
        msg = f"Expected a cross-encoder with one label in {folder}, got {labels}. Name a reranker."
        raise ModelError(msg)
    if not (folder / TOKENIZER_FILE).is_file():
        msg = f"Expected {TOKENIZER_FILE} in {folder} beside its ONNX network, got none."
        raise ModelError(msg)
    description = ModelDescription(kind, model_id, max_length=_max_length(folder, config))
    return HubModelFolder(folder, description, network)


def _max_length(folder: Path, config: dict[str, Any]) -> int:
    positions = config.get("max_position_embeddings") or 512
    if "roberta" in str(config.get("model_type")) or config.get("model_type") == "camembert":
        positions -= _OFFSET
    file = folder / "tokenizer_config.json"
    told = _read(file).get("model_max_length") if file.is_file() else None
    return int(min(positions, told or positions))


def _read(file: Path) -> dict[str, Any]:
    try:
        fields = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as err:
        msg = f"Expected JSON in {file}; it cannot be read: {err}. Download the model again."
        raise ModelError(msg) from err
    if not isinstance(fields, dict):
        msg = f"Expected a JSON object in {file}, got {type(fields).__name__}."
        raise ModelError(msg)
    return fields

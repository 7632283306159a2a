"""Models in the hub's layout with ONNX files, which run without torch.

`cross-encoder/ms-marco-MiniLM-L6-v2` and many others have `config.json`, `tokenizer.json` and
`onnx/model.onnx`. Beside it are networks quantised for one type of CPU each.
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

_ROBERTA_OFFSET = 2
"""Positions that RoBERTa models reserve for padding."""


@dataclass(frozen=True)
class HubModelFolder(ModelFolder):
    """A folder in the hub's layout.

    Attributes:
        file: The ONNX file to run.
    """

    file: Path

    @property
    def network(self) -> Path:
        """The network that returns vectors or logits."""
        return self.file


def find_hub_folder(
    folder: Path | None,
    name: str,
    revision: str | None = None,
    *,
    kind: ModelKind,
    on_gpu: bool = False,
) -> ModelFolder | None:
    """Find a model in the hub's layout that has an ONNX file.

    Args:
        folder: The model's folder; None if it is on the hub or in the hub's cache.
        name: The hub id, or a name for the model in `folder`.
        revision: Commit, tag or branch, for a hub id only.
        kind: The expected kind of model.
        on_gpu: Whether a GPU will run the network.

    Returns:
        The checked folder; None if the model has no ONNX file.

    Raises:
        ModelError: If a file is missing or corrupt, or the hub answered with an error.
    """
    if folder is None:
        # Imported late: the hub's client is slow to import.
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
        network: The ONNX file to run, from `network_in`.
        model_id: Name and version for the model.
        kind: The expected kind of model.

    Returns:
        The checked folder.

    Raises:
        ModelError: If a file is missing or corrupt, or a cross-encoder has more than one label.
    """
    for name in (CONFIG_FILE, TOKENIZER_FILE):
        if not (folder / name).is_file():
            msg = f"Expected {name} in {folder}, got none. Download the model again."
            raise ModelError(msg)
    config = read_json(folder / CONFIG_FILE, {})
    labels = config.get("num_labels") or len(config.get("id2label") or {}) or 1
    if kind == "cross-encoder" and labels != 1:
        msg = f"Expected a cross-encoder with one label in {folder}, got {labels}. Name a reranker."
        raise ModelError(msg)
    description = ModelDescription(kind, model_id, max_length=_max_length(folder, config))
    return HubModelFolder(folder, description, network)


def _max_length(folder: Path, config: dict[str, Any]) -> int:
    positions = config.get("max_position_embeddings") or 512
    if "roberta" in str(config.get("model_type")) or config.get("model_type") == "camembert":
        positions -= _ROBERTA_OFFSET
    limit = read_json(folder / "tokenizer_config.json", {}).get("model_max_length")
    return int(min(positions, limit or positions))


def read_json(file: Path, default: Any) -> Any:
    """Read a JSON file of the default's type; return the default if there is no file.

    Args:
        file: The file.
        default: An empty dict or list.

    Returns:
        The file's value, or the default.

    Raises:
        ModelError: If the file is not JSON or holds another type.
    """
    if not file.is_file():
        return default
    try:
        value = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as err:
        msg = f"Expected JSON in {file}, but it cannot be read: {err}. Download the model again."
        raise ModelError(msg) from err
    if not isinstance(value, type(default)):
        msg = (
            f"Expected a JSON {type(default).__name__} in {file}, got {type(value).__name__}. "
            "Download the model again."
        )
        raise ModelError(msg)
    return value

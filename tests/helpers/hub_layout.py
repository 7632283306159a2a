"""Write models in the hub's layout and into the cache of the hub's client."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

from wikirank.runtime.model_folder import bundled_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def copy_to_hub_cache(
    home: Path, folder: Path, name: str, *, weights: bool, commit: str = COMMIT
) -> None:
    """Copy a folder into a hub cache under a model id, as the hub's client does."""
    repository = home / "hub" / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit, "utf-8")
    snapshot = repository / "snapshots" / commit
    shutil.copytree(folder, snapshot)
    if not weights:
        (snapshot / "model.safetensors").unlink()


def export_encoder(model: Any, file: Path, names: list[str]) -> None:
    """Export a torch transformer to ONNX; the output is the token vectors."""
    import torch

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: Any) -> Any:
            return self.model(**dict(zip(names, inputs, strict=True))).last_hidden_state

    file.parent.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the older exporter, which wrote the hub's files
        torch.onnx.export(
            Hidden().eval(),
            tuple(torch.ones(2, 9, dtype=torch.long) for _ in names),
            str(file),
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes={
                name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]
            },
            dynamo=False,
        )


def bundled_in_hub_layout(folder: Path, kind: Any) -> Path:
    """Write a bundled model in the hub's layout, without torch weights."""
    bundled = bundled_model(kind)
    (folder / "onnx").mkdir(parents=True)
    shutil.copyfile(bundled / "model.onnx", folder / "onnx" / "model.onnx")
    shutil.copyfile(bundled / "tokenizer.json", folder / "tokenizer.json")
    config = {"model_type": "bert", "max_position_embeddings": 512, "num_labels": 1}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder

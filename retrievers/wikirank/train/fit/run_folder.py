"""The folder of a training run: whose it is, whether it is finished, its last checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wikirank.errors import InvalidArgumentError
from wikirank.train.fit.history import RECORD_FILE

ONNX_FOLDER = "onnx"


MODEL_CARD = "README.md"


PACKAGES = (
    "sentence-transformers", "transformers", "torch", "accelerate", "datasets", "tokenizers",
)  # fmt: skip


Report = Callable[[str], None]


RUN_FILE = "run.json"
CHECKPOINTS = "checkpoints"


def claim_run_folder(folder: Path, identity: dict[str, Any]) -> bool:
    """Make the folder of a run, or recognise that it is already this run's.

    Args:
        folder: The output folder.
        identity: Of `run_identity`.

    Returns:
        Whether the run in it is finished.

    Raises:
        InvalidArgumentError: If the folder is a file, or holds something else, such as another run.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"expected a folder for the output, got the file {folder}; choose another place"
        raise InvalidArgumentError(msg)
    file = folder / RUN_FILE
    if not file.exists():
        if folder.exists() and any(folder.iterdir()):
            msg = f"expected an empty or new output folder, but {folder} holds other files"
            raise InvalidArgumentError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(identity, indent=2) + "\n", "utf-8")
        return False
    if json.loads(file.read_text("utf-8")) != identity:
        msg = (
            f"{folder} holds a run with other data, another base or other settings; "
            "choose another output folder, or delete this one"
        )
        raise InvalidArgumentError(msg)
    return (folder / RECORD_FILE).is_file()


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint in a folder; None if there is none."""
    whole = [  # the trainer writes this file last
        path.parent for path in folder.glob("checkpoint-*/trainer_state.json")
    ]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

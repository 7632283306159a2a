"""The folder of a training run: which run it belongs to, and its last checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wikirank.errors import InvalidArgumentError
from wikirank.train.fit.history import RECORD_FILE

Report = Callable[[str], None]

ONNX_FOLDER = "onnx"
MODEL_CARD = "README.md"
RUN_FILE = "run.json"
CHECKPOINTS = "checkpoints"
PACKAGES = (
    "sentence-transformers", "transformers", "torch", "accelerate", "datasets", "tokenizers",
)  # fmt: skip


def claim_run_folder(folder: Path, identity: dict[str, Any]) -> bool:
    """Create the folder of a run, or check that it belongs to this run already.

    Args:
        folder: Output folder.
        identity: Everything that must stay the same for a run to be resumed; JSON-serialisable.

    Returns:
        Whether the run is finished.

    Raises:
        InvalidArgumentError: If the folder is a file, or holds something else, such as another run.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"Expected a folder for the output, got the file {folder}. Choose another path."
        raise InvalidArgumentError(msg)
    file = folder / RUN_FILE
    if not file.exists():
        if folder.exists() and any(folder.iterdir()):
            msg = (
                f"Expected an empty or new output folder, got {folder} with other files. Choose "
                "another folder."
            )
            raise InvalidArgumentError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(identity, indent=2) + "\n", "utf-8")
        return False
    if json.loads(file.read_text("utf-8")) != identity:
        msg = (
            f"Expected a run with the same data, base and settings in {folder}, got another run. "
            "Choose another output folder, or delete this one."
        )
        raise InvalidArgumentError(msg)
    return (folder / RECORD_FILE).is_file()


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint in a folder, or None."""
    # The trainer writes this file of a checkpoint last.
    complete = [path.parent for path in folder.glob("checkpoint-*/trainer_state.json")]
    return max(complete, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

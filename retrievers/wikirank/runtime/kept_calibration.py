"""Calibrations that the user fitted, saved beside a model folder or, for a hub id, in a cache.

The cache is our own, because the hub's cache must not be written to.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from wikirank._cache_folder import CACHE_VARIABLE, user_cache_folder
from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.model_folder import DESCRIPTION_FILE

CALIBRATION_FILE = "wikirank-calibration.json"


def calibration_file(model: str | Path, revision: str | None = None) -> Path:
    """Return the file for a model's calibration.

    Args:
        model: A folder, or a hub id.
        revision: Commit, tag or branch, for a hub id only.

    Returns:
        The file: `wikirank.json` for a wikirank model folder, `wikirank-calibration.json` in any
        other folder. For a hub id, a file in the folder `WIKIRANK_CACHE`, by default the user's
        cache folder.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        description = folder / DESCRIPTION_FILE
        return description if description.is_file() else folder / CALIBRATION_FILE
    name = str(model).replace("/", "--") + (f"@{revision.replace('/', '--')}" if revision else "")
    relative = Path("calibrations", f"{name}.json")
    file = user_cache_folder() / relative
    old_file = Path.home() / ".cache" / "wikirank" / relative  # On every system before 0.1.0.
    return old_file if old_file.is_file() and not file.is_file() else file


def calibrated(
    description: ModelDescription, model: str | Path, revision: str | None = None
) -> ModelDescription:
    """Add the saved calibration, if there is one, to a description.

    Args:
        description: The description of a model from elsewhere.
        model: The model's folder, or its hub id.
        revision: Commit, tag or branch, for a hub id only.

    Returns:
        The description.

    Raises:
        ModelError: If the calibration cannot be read.
    """
    file = calibration_file(model, revision)
    if file.name == DESCRIPTION_FILE or not file.is_file():
        return description
    try:
        calibration = Calibration(**json.loads(file.read_text("utf-8"))["calibration"])
    except (OSError, ValueError, KeyError, TypeError, InvalidArgumentError) as err:
        msg = f"Expected a calibration in {file}, got {err!r}. Remove the file, or calibrate again."
        raise ModelError(msg) from err
    return replace(description, calibration=calibration)


def save_calibration(
    calibration: Calibration, model: str | Path, revision: str | None = None
) -> Path:
    """Save a calibration so that loading the model applies it.

    Args:
        calibration: The fitted calibration.
        model: The model's folder, or its hub id.
        revision: Commit, tag or branch, for a hub id only.

    Returns:
        The written file.

    Raises:
        ModelError: If the file cannot be written.
    """
    file = calibration_file(model, revision)
    fields: dict[str, Any] = {}
    try:
        if file.name == DESCRIPTION_FILE:
            fields = json.loads(file.read_text("utf-8"))
        fields["calibration"] = asdict(calibration)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(file.name + ".part")
        part.write_text(json.dumps(fields, indent=2) + "\n", "utf-8")
        part.replace(file)
    except OSError as err:
        msg = (
            f"Cannot write {file}: {err}. Make it writable, or set {CACHE_VARIABLE} to another "
            "folder."
        )
        raise ModelError(msg) from err
    return file

"""Calibrations that were fitted here for models of others, and where they are kept.

Beside the model where that is a folder; for a hub id in a cache of ours, as the hub's own is not to
be written to.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from wikirank._cache_folder import user_cache_folder
from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.model_folder import DESCRIPTION_FILE

CALIBRATION_FILE = "wikirank-calibration.json"


def calibration_file(model: str | Path, revision: str | None = None) -> Path:
    """Where the calibration of a model is kept.

    Args:
        model: A folder, or a hub id.
        revision: Of a hub id: the commit, tag or branch.

    Returns:
        The file: `wikirank.json` of a model folder of ours, `wikirank-calibration.json` in another
        folder, and of a hub id a file beneath the folder that `WIKIRANK_CACHE` names, by default
        the user's own for caches.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        ours = folder / DESCRIPTION_FILE
        return ours if ours.is_file() else folder / CALIBRATION_FILE
    name = str(model).replace("/", "--") + (f"@{revision.replace('/', '--')}" if revision else "")
    kept = Path("calibrations", f"{name}.json")
    file, former = user_cache_folder() / kept, Path.home() / ".cache" / "wikirank" / kept
    # Before 0.1.0 it was there on every system.
    return former if former.is_file() and not file.is_file() else file


def calibrated(
    description: ModelDescription, model: str | Path, revision: str | None = None
) -> ModelDescription:
    """A description with the calibration that is kept for its model, if one is.

    Args:
        description: Of a model that is none of ours.
        model: Its folder, or hub id.
        revision: Of a hub id.

    Returns:
        The description.

    Raises:
        ModelError: If the calibration cannot be read.
    """
    file = calibration_file(model, revision)
    if file.name == DESCRIPTION_FILE or not file.is_file():
        return description
    try:
        kept = Calibration(**json.loads(file.read_text("utf-8"))["calibration"])
    except (OSError, ValueError, KeyError, TypeError, InvalidArgumentError) as err:
        msg = f"Expected a calibration in {file}, got {err!r}. Remove the file, or calibrate again."
        raise ModelError(msg) from err
    return replace(description, calibration=kept)


def keep_calibration(
    calibration: Calibration, model: str | Path, revision: str | None = None
) -> Path:
    """Keep a calibration where loading the model finds it.

    Args:
        calibration: What was fitted.
        model: Its folder, or hub id.
        revision: Of a hub id.

    Returns:
        The file that was written.

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
        msg = f"Expected to write {file}; it cannot be written: {err}. Allow it, or set a folder."
        raise ModelError(msg) from err
    return file

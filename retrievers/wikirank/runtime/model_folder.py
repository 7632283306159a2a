"""Model folders: `model.onnx`, `tokenizer.json` and `wikirank.json`, which describes the two.

```json
{"kind": "cross-encoder", "model_id": "...", "max_length": 512, "headings": true,
 "calibration": {"scale": 1.0, "shift": 0.0},
 "combination": {"logit": 1.0, "dense": 5.0, "lexical": 2.0, "shift": -7.0},
 "sha256": "...", "tokenizer_sha256": "..."}
```

`combination` is absent from models that have none.

A folder is written whole or not at all, and its files are checked against their hashes when read.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wikirank.errors import InvalidArgumentError, ModelError

ModelKind = Literal["embedder", "cross-encoder"]

ONNX_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
DESCRIPTION_FILE = "wikirank.json"

_WEIGHTS = ("logit", "dense", "lexical", "shift")

_BUNDLED: Mapping[ModelKind, str] = {"embedder": "embedder", "cross-encoder": "reranker"}


@dataclass(frozen=True)
class ModelDescription:
    """What `wikirank.json` says about a model.

    Attributes:
        kind: What the model does.
        model_id: Name and version of the model; an index remembers its embedder's.
        max_length: Longest input in tokens, special tokens included.
        headings: Whether passages carry `title › section` on a line before the text.
        scale: Factor of the calibration, over 0; see `wikirank.rank.calibration`.
        shift: Summand of the calibration.
        combination: Weights of the final score of hybrid search by name, see
            `wikirank.rank.combination`; None if none were learned.
    """

    kind: ModelKind
    model_id: str
    max_length: int
    headings: bool = False
    scale: float = 1.0
    shift: float = 0.0
    combination: Mapping[str, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """The description as `wikirank.json` holds it, without the hashes."""
        fields: dict[str, Any] = {
            "kind": self.kind,
            "model_id": self.model_id,
            "max_length": self.max_length,
            "headings": self.headings,
            "calibration": {"scale": self.scale, "shift": self.shift},
        }
        if self.combination is not None:
            fields["combination"] = dict(self.combination)
        return fields


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that was read and whose files have the recorded hashes.

    Attributes:
        path: The folder.
        description: What its `wikirank.json` says.
    """

    path: Path
    description: ModelDescription

    @property
    def onnx(self) -> Path:
        """The network."""
        return self.path / ONNX_FILE

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, as the `tokenizers` library saves it."""
        return self.path / TOKENIZER_FILE


def bundled_model(kind: ModelKind) -> Path:
    """The folder of the model of a kind that comes with the package."""
    return Path(__file__).parents[1] / "models" / _BUNDLED[kind]


def is_model_folder(path: Path) -> bool:
    """Whether a folder holds both a `wikirank.json` and a `model.onnx`."""
    return (path / DESCRIPTION_FILE).is_file() and (path / ONNX_FILE).is_file()


def read_description(path: Path) -> ModelDescription:
    """Read and check a folder's `wikirank.json`, without its model files.

    Args:
        path: The folder.

    Returns:
        The description.

    Raises:
        ModelError: The file is missing, not JSON, or a field is absent or out of range.
    """
    return _parse_description(_read_json(path), path)


def read_model_folder(path: Path, *, kind: ModelKind) -> ModelFolder:
    """Read a model folder and check its files against the recorded hashes.

    Args:
        path: The folder.
        kind: What the model must be.

    Returns:
        The folder, safe to open.

    Raises:
        ModelError: A file is missing or corrupt, or the model is of another kind.
    """
    fields = _read_json(path)
    description = _parse_description(fields, path)
    if description.kind != kind:
        msg = f"Expected a model of kind {kind!r} in {path}, got {description.kind!r}."
        raise ModelError(msg)
    for name, key in ((ONNX_FILE, "sha256"), (TOKENIZER_FILE, "tokenizer_sha256")):
        _check_hash(path / name, fields.get(key))
    return ModelFolder(path, description)


def write_model_folder(
    path: Path,
    description: ModelDescription,
    *,
    onnx: Path,
    tokenizer_json: str,
    extra_files: Mapping[str, str] | None = None,
) -> str:
    """Write a model folder, whole or not at all; an earlier one at the place is replaced.

    Args:
        path: The folder to make; if it exists it must be empty or a model folder.
        description: What `wikirank.json` is to say.
        onnx: The network, copied into the folder.
        tokenizer_json: The tokenizer, as `Tokenizer.to_str` gives it.
        extra_files: Name to text of further files, such as a model card.

    Returns:
        SHA-256 of the network.

    Raises:
        InvalidArgumentError: The place holds something that is not a model folder.
    """
    if path.exists() and not _is_replaceable(path):
        msg = f"Expected a new, empty or model folder at {path}, got something else; name another."
        raise InvalidArgumentError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        shutil.copyfile(onnx, new / ONNX_FILE)
        for name, text in {**(extra_files or {}), TOKENIZER_FILE: tokenizer_json}.items():
            (new / name).write_bytes(text.encode())
        fields = description.to_json()
        fields["sha256"] = _sha256(new / ONNX_FILE)
        fields["tokenizer_sha256"] = _sha256(new / TOKENIZER_FILE)
        (new / DESCRIPTION_FILE).write_text(json.dumps(fields, indent=2) + "\n", "utf-8")
        if path.exists():
            path.rename(Path(scratch) / "old")
        new.rename(path)
    return str(fields["sha256"])


def _is_replaceable(path: Path) -> bool:
    return path.is_dir() and ((path / DESCRIPTION_FILE).is_file() or not any(path.iterdir()))


def _read_json(path: Path) -> dict[str, Any]:
    file = path / DESCRIPTION_FILE
    try:
        fields = json.loads(file.read_text("utf-8"))
    except OSError as err:
        msg = f"Expected a model folder with {DESCRIPTION_FILE} at {path}; it cannot be read: {err}"
        raise ModelError(msg) from err
    except ValueError as err:
        msg = f"Expected JSON in {file}, got something else: {err}. Restore or re-export the model."
        raise ModelError(msg) from err
    if not isinstance(fields, dict):
        msg = f"Expected a JSON object in {file}, got {type(fields).__name__}."
        raise ModelError(msg)
    return fields


def _parse_description(fields: Mapping[str, Any], path: Path) -> ModelDescription:
    calibration = fields.get("calibration", {})
    if not isinstance(calibration, dict):
        calibration = {"scale": None}
    scale, shift = calibration.get("scale", 1.0), calibration.get("shift", 0.0)
    max_length, headings = fields.get("max_length"), fields.get("headings", False)
    combination = fields.get("combination")
    checks = {
        "kind": fields.get("kind") in list(_BUNDLED),
        "model_id": isinstance(fields.get("model_id"), str) and bool(fields.get("model_id")),
        "max_length": type(max_length) is int and max_length > 0,
        "headings": isinstance(headings, bool),
        "calibration": _is_finite(scale) and scale > 0 and _is_finite(shift),
        "combination": combination is None or _is_combination(combination),
    }
    wrong = [name for name, good in checks.items() if not good]
    if wrong:
        got = ", ".join(f"{name}={fields.get(name)!r}" for name in wrong)
        msg = f"Expected valid fields in {path / DESCRIPTION_FILE}, got {got}; re-export the model."
        raise ModelError(msg)
    return ModelDescription(
        kind=fields["kind"],
        model_id=fields["model_id"],
        max_length=fields["max_length"],
        headings=headings,
        scale=float(scale),
        shift=float(shift),
        combination=combination,
    )


def _is_combination(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == set(_WEIGHTS)
        and all(_is_finite(value[name]) for name in _WEIGHTS)
        and value["logit"] > 0
        and min(value["dense"], value["lexical"]) >= 0
    )


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _check_hash(file: Path, expected: Any) -> None:
    try:
        got = _sha256(file)
    except OSError as err:
        msg = f"Expected the model file {file}; it cannot be read: {err}. Restore the folder."
        raise ModelError(msg) from err
    if got != expected:
        msg = (
            f"Expected {file} with SHA-256 {expected}, got {got}: the file is corrupt or was "
            "changed. Reinstall the package, or export the model again."
        )
        raise ModelError(msg)


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

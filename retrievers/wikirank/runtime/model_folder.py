"""Model folders: a network, `tokenizer.json`, and `wikirank.json`, which describes both.

The network is `model.onnx`. A cross-encoder may have a second one, the prefilter
`first_pass.onnx`, see `wikirank.rank.cascade`.

```json
{"kind": "cross-encoder", "model_id": "...", "max_length": 512, "headings": true,
 "calibration": {"scale": 1.0, "shift": 0.0},
 "combination": {"logit": 1.0, "dense": 5.0, "lexical": 2.0, "shift": -7.0},
 "sha256": "...", "tokenizer_sha256": "..."}
```

`combination` is absent if the model has none. With a prefilter there is also `"first_pass"`, see
`DropRules`, and `sha256` maps each network's file name to its hash.

A folder is written whole or not at all. On reading, files are checked against their hashes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.runtime.model_description import (
    ONNX_FILE,
    PREFILTER_FILE,
    ModelDescription,
    ModelKind,
    parse_description,
)

TOKENIZER_FILE = "tokenizer.json"
DESCRIPTION_FILE = "wikirank.json"
_TEXT_FILES = ("README.md", "LICENSE")

_BUNDLED: Mapping[ModelKind, str] = {"embedder": "embedder", "cross-encoder": "reranker"}


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that was read and checked.

    Attributes:
        path: The folder.
        description: The model's description.
    """

    path: Path
    description: ModelDescription

    @property
    def networks(self) -> tuple[Path, ...]:
        """All networks, `network` first."""
        return tuple(self.path / name for name in self.description.network_files)

    @property
    def network(self) -> Path:
        """The network that returns vectors or logits."""
        return self.path / ONNX_FILE

    @property
    def prefilter(self) -> Path | None:
        """The prefilter's network; None if there is no prefilter."""
        return None if self.description.prefilter is None else self.path / PREFILTER_FILE

    @property
    def languages(self) -> tuple[str, ...] | None:
        """Languages that the model reads: English for bundled models, None if unknown."""
        bundled = {bundled_model(kind) for kind in _BUNDLED}
        return ("en",) if self.path in bundled else None

    @property
    def tokenizer(self) -> Path:
        """The tokenizer file, in the format of the `tokenizers` library."""
        return self.path / TOKENIZER_FILE


def bundled_model(kind: ModelKind) -> Path:
    """Return the folder of a bundled model."""
    return Path(__file__).parents[1] / "models" / _BUNDLED[kind]


def local_folder(model: str | Path) -> Path | None:
    """Return the folder of a model, or None if `model` can only be a hub id.

    Args:
        model: A path, or a hub id.

    Returns:
        The resolved folder, or None.

    Raises:
        ModelError: If `model` is a path and there is no folder.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path.resolve()
    if isinstance(model, Path) or path.is_absolute() or str(model).startswith((".", "~")):
        msg = f"Expected a model folder at {path}, got none. Check the path."
        raise ModelError(msg)
    return None


def is_model_folder(path: Path) -> bool:
    """Return whether a folder holds both a `wikirank.json` and a network."""
    return all((path / name).is_file() for name in (DESCRIPTION_FILE, ONNX_FILE))


def read_description(path: Path) -> ModelDescription:
    """Read and check a folder's `wikirank.json`, without its model files.

    Args:
        path: The folder.

    Returns:
        The description.

    Raises:
        ModelError: If the file is missing or not JSON, or a field is absent or out of range.
    """
    return parse_description(_read_json(path), path / DESCRIPTION_FILE)


def read_model_folder(path: Path, *, kind: ModelKind) -> ModelFolder:
    """Read a model folder and check its files against the recorded hashes.

    Args:
        path: The folder.
        kind: The expected kind of model.

    Returns:
        The checked folder.

    Raises:
        ModelError: If a file is missing or corrupt, or the model is of another kind.
    """
    fields = _read_json(path)
    description = parse_description(fields, path / DESCRIPTION_FILE)
    if description.kind != kind:
        msg = (
            f"Expected a model of kind {kind!r} in {path}, got {description.kind!r}. "
            "Name another folder."
        )
        raise ModelError(msg)
    hashes = fields.get("sha256")
    if not isinstance(hashes, dict):
        hashes = {ONNX_FILE: hashes}
    for name in description.network_files:
        _check_hash(path / name, hashes.get(name))
    _check_hash(path / TOKENIZER_FILE, fields.get("tokenizer_sha256"))
    return ModelFolder(path, description)


def write_model_folder(
    path: Path,
    description: ModelDescription,
    *,
    networks: Sequence[Path],
    tokenizer_json: str,
    extra_files: Mapping[str, str] | None = None,
) -> str:
    """Write a model folder, whole or not at all. An existing model folder is replaced.

    Args:
        path: The folder to make; if it exists it must be empty or a model folder.
        description: The description for `wikirank.json`.
        networks: The networks to copy, in the order of `ModelFolder.networks`.
        tokenizer_json: The tokenizer, from `Tokenizer.to_str`.
        extra_files: Other text files to write, such as a model card: name to text.

    Returns:
        SHA-256 of the first network.

    Raises:
        InvalidArgumentError: If the path holds something else than a model folder.
    """
    if path.exists() and not _is_replaceable(path):
        msg = (
            f"Expected a model folder, an empty folder or nothing at {path}, got something else. "
            "To write a model folder, name another path."
        )
        raise InvalidArgumentError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        hashes = {}
        for name, file in zip(description.network_files, networks, strict=True):
            shutil.copyfile(file, new / name)
            hashes[name] = _sha256(new / name)
        for name, text in {**(extra_files or {}), TOKENIZER_FILE: tokenizer_json}.items():
            (new / name).write_bytes(text.encode())
        fields = description.to_json()
        fields["sha256"] = hashes if len(hashes) > 1 else hashes[ONNX_FILE]
        fields["tokenizer_sha256"] = _sha256(new / TOKENIZER_FILE)
        (new / DESCRIPTION_FILE).write_text(json.dumps(fields, indent=2) + "\n", "utf-8")
        if path.exists():
            path.rename(Path(scratch) / "old")
        new.rename(path)
    return hashes[ONNX_FILE]


def rewrite_model_folder(
    folder: ModelFolder,
    description: ModelDescription,
    *,
    networks: Sequence[Path] | None = None,
) -> None:
    """Replace a model folder's description; keep its model card and licence.

    Args:
        folder: The folder.
        description: The new description.
        networks: See `write_model_folder`; None keeps the folder's networks.
    """
    texts = [folder.path / name for name in _TEXT_FILES]
    write_model_folder(
        folder.path,
        description,
        networks=folder.networks if networks is None else networks,
        tokenizer_json=folder.tokenizer.read_text("utf-8"),
        extra_files={file.name: file.read_text("utf-8") for file in texts if file.is_file()},
    )


def _is_replaceable(path: Path) -> bool:
    return path.is_dir() and ((path / DESCRIPTION_FILE).is_file() or not any(path.iterdir()))


def _read_json(path: Path) -> dict[str, Any]:
    file = path / DESCRIPTION_FILE
    try:
        fields = json.loads(file.read_text("utf-8"))
    except OSError as err:
        msg = (
            f"Expected a model folder with {DESCRIPTION_FILE} at {path}, but it cannot be read: "
            f"{err}. Check the path."
        )
        raise ModelError(msg) from err
    except (ValueError, RecursionError) as err:
        msg = f"Expected JSON in {file}, got something else: {err}. Restore or re-export the model."
        raise ModelError(msg) from err
    if not isinstance(fields, dict):
        msg = (
            f"Expected a JSON object in {file}, got {type(fields).__name__}. "
            "Restore or re-export the model."
        )
        raise ModelError(msg)
    return fields


def _check_hash(file: Path, expected: Any) -> None:
    try:
        got = _sha256(file)
    except OSError as err:
        msg = f"Expected the model file {file}, but it cannot be read: {err}. Restore the folder."
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

"""Model folders: a network, `tokenizer.json` and `wikirank.json`, which describes the two.

The network is `model.onnx`, or, where a cross-encoder has an early exit, three parts of it:
`first_layers.onnx`, `exit.onnx` and `last_layers.onnx`; see `wikirank.rank.early_exit`.

```json
{"kind": "cross-encoder", "model_id": "...", "max_length": 512, "headings": true,
 "calibration": {"scale": 1.0, "shift": 0.0},
 "combination": {"logit": 1.0, "dense": 5.0, "lexical": 2.0, "shift": -7.0},
 "sha256": "...", "tokenizer_sha256": "..."}
```

`combination` is absent from models that have none. With an early exit there is also
`"early_exit": {"margin": 2.0}`, and `sha256` has the hash of each part by its name.

A folder is written whole or not at all, and its files are checked against their hashes when read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.runtime.model_description import (
    EARLY_EXIT_FILES,
    ONNX_FILE,
    ModelDescription,
    ModelKind,
    parse_description,
)

TOKENIZER_FILE = "tokenizer.json"
DESCRIPTION_FILE = "wikirank.json"
_TEXTS = ("README.md", "LICENSE")

_BUNDLED: Mapping[ModelKind, str] = {"embedder": "embedder", "cross-encoder": "reranker"}


class EarlyExitFiles(NamedTuple):
    """The parts of a network with an early exit.

    Attributes:
        first: The first layers: from tokens to their states.
        exit: The head over these states: from them to the exit logit.
        last: The last layers with the head over them: from the same states to the logit.
    """

    first: Path
    exit: Path
    last: Path


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
    def networks(self) -> tuple[Path, ...]:
        """The files of the network: one, or the three of `early_exit`."""
        return tuple(self.path / name for name in self.description.network_files)

    @property
    def early_exit(self) -> EarlyExitFiles | None:
        """The parts of a network with an early exit; None if it is whole."""
        return None if self.description.exit_margin is None else EarlyExitFiles(*self.networks)

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, as the `tokenizers` library saves it."""
        return self.path / TOKENIZER_FILE


def bundled_model(kind: ModelKind) -> Path:
    """The folder of the model of a kind that comes with the package."""
    return Path(__file__).parents[1] / "models" / _BUNDLED[kind]


def is_model_folder(path: Path) -> bool:
    """Whether a folder holds both a `wikirank.json` and a network."""
    networks = (ONNX_FILE, EARLY_EXIT_FILES[0])
    return (path / DESCRIPTION_FILE).is_file() and any((path / n).is_file() for n in networks)


def read_description(path: Path) -> ModelDescription:
    """Read and check a folder's `wikirank.json`, without its model files.

    Args:
        path: The folder.

    Returns:
        The description.

    Raises:
        ModelError: The file is missing, not JSON, or a field is absent or out of range.
    """
    return parse_description(_read_json(path), path / DESCRIPTION_FILE)


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
    description = parse_description(fields, path / DESCRIPTION_FILE)
    if description.kind != kind:
        msg = f"Expected a model of kind {kind!r} in {path}, got {description.kind!r}."
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
    """Write a model folder, whole or not at all; an earlier one at the place is replaced.

    Args:
        path: The folder to make; if it exists it must be empty or a model folder.
        description: What `wikirank.json` is to say.
        networks: The network, copied into the folder: one file, or the three parts of one with
            an early exit.
        tokenizer_json: The tokenizer, as `Tokenizer.to_str` gives it.
        extra_files: Name to text of further files, such as a model card.

    Returns:
        SHA-256 of the network; of one in parts, of their hashes one after the other.

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
    return joint_sha256(list(hashes.values()))


def rewrite_model_folder(
    folder: ModelFolder,
    description: ModelDescription,
    *,
    networks: Sequence[Path] | None = None,
) -> None:
    """Give a model folder another description; its model card and licence stay.

    Args:
        folder: The folder.
        description: What `wikirank.json` is to say.
        networks: As for `write_model_folder`; None keeps those that it has.
    """
    texts = [folder.path / name for name in _TEXTS]
    write_model_folder(
        folder.path,
        description,
        networks=folder.networks if networks is None else networks,
        tokenizer_json=folder.tokenizer.read_text("utf-8"),
        extra_files={file.name: file.read_text("utf-8") for file in texts if file.is_file()},
    )


def joint_sha256(hashes: Sequence[str]) -> str:
    """One hash for the files of a network: that of the only one, or of all their hashes."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


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

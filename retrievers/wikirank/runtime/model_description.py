"""What `wikirank.json` says about the model in a folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from wikirank.errors import ModelError

ModelKind = Literal["embedder", "cross-encoder"]

ONNX_FILE = "model.onnx"
EARLY_EXIT_FILES = ("first_layers.onnx", "exit.onnx", "last_layers.onnx")
_WEIGHTS = ("logit", "dense", "lexical", "shift")


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
        exit_margin: How far below the best exit logit a candidate can be and go on, 0 or more;
            None if the network is whole, without an early exit.
    """

    kind: ModelKind
    model_id: str
    max_length: int
    headings: bool = False
    scale: float = 1.0
    shift: float = 0.0
    combination: Mapping[str, float] | None = None
    exit_margin: float | None = None

    @property
    def network_files(self) -> tuple[str, ...]:
        """Names of the files that the network is in."""
        return (ONNX_FILE,) if self.exit_margin is None else EARLY_EXIT_FILES

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
        if self.exit_margin is not None:
            fields["early_exit"] = {"margin": self.exit_margin}
        return fields


def parse_description(fields: Mapping[str, Any], file: Path) -> ModelDescription:
    """Read and check the fields of a `wikirank.json`.

    Args:
        fields: What it holds.
        file: The file, to be named.

    Returns:
        The description.

    Raises:
        ModelError: A field is absent or out of range.
    """
    calibration = fields.get("calibration", {})
    if not isinstance(calibration, dict):
        calibration = {"scale": None}
    scale, shift = calibration.get("scale", 1.0), calibration.get("shift", 0.0)
    max_length, headings = fields.get("max_length"), fields.get("headings", False)
    combination = fields.get("combination")
    early_exit = fields.get("early_exit")
    margin: Any = early_exit.get("margin") if isinstance(early_exit, dict) else None
    checks = {
        "kind": fields.get("kind") in get_args(ModelKind),
        "model_id": isinstance(fields.get("model_id"), str) and bool(fields.get("model_id")),
        "max_length": type(max_length) is int and max_length > 0,
        "headings": isinstance(headings, bool),
        "calibration": _is_finite(scale) and scale > 0 and _is_finite(shift),
        "combination": combination is None or _is_combination(combination),
        "early_exit": early_exit is None or (_is_finite(margin) and margin >= 0),
    }
    wrong = [name for name, good in checks.items() if not good]
    if wrong:
        got = ", ".join(f"{name}={fields.get(name)!r}" for name in wrong)
        msg = f"Expected valid fields in {file}, got {got}; re-export the model."
        raise ModelError(msg)
    return ModelDescription(
        kind=fields["kind"],
        model_id=fields["model_id"],
        max_length=fields["max_length"],
        headings=headings,
        scale=float(scale),
        shift=float(shift),
        combination=combination,
        exit_margin=None if margin is None else float(margin),
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

"""What `wikirank.json` says about the model in a folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from wikirank.errors import ModelError

ModelKind = Literal["embedder", "cross-encoder"]

ONNX_FILE = "model.onnx"
PREFILTER_FILE = "first_pass.onnx"
_WEIGHTS = ("logit", "dense", "lexical", "shift")
_LONGEST_INPUT = 2**20
_SHOWN = 200


@dataclass(frozen=True)
class DropRule:
    """Which candidates a prefilter drops: those too far below the best by logit and first stage.

    Attributes:
        margin: How far below the best a candidate can be and go on, 0 or more.
        spare: How many more than are wanted go on in any case, as a part of these, 0 or more.
        dense: What cosine similarity is worth beside the logit of the prefilter, 0 or more.
        lexical: Likewise BM25 divided by the query's highest.
    """

    margin: float
    spare: float = 0.0
    dense: float = 0.0
    lexical: float = 0.0


@dataclass(frozen=True)
class DropRules:
    """When a prefilter drops candidates.

    Attributes:
        alone: Where nothing but the texts is known.
        hybrid: Where the scores of hybrid search are known too; None goes by the texts alone.
    """

    alone: DropRule
    hybrid: DropRule | None = None


@dataclass(frozen=True)
class ModelDescription:
    """What `wikirank.json` says about a model.

    Attributes:
        kind: What the model does.
        model_id: Name and version of the model; an index remembers its embedder's.
        max_length: Longest input in tokens, special tokens included.
        prepend_heading: Whether passages carry `title › section` on a line before the text.
        scale: Factor of the calibration, over 0; see `wikirank.runtime.calibration`.
        shift: Summand of the calibration.
        combination: Weights of the final score of hybrid search by name, see
            `wikirank.runtime.combination`; None if none were learned.
        prefilter: When the prefilter drops candidates, see `wikirank.rank.cascade`; None if
            there is no prefilter.
    """

    kind: ModelKind
    model_id: str
    max_length: int
    prepend_heading: bool = False
    scale: float = 1.0
    shift: float = 0.0
    combination: Mapping[str, float] | None = None
    prefilter: DropRules | None = None

    @property
    def network_files(self) -> tuple[str, ...]:
        """Names of the files of its networks."""
        return (ONNX_FILE,) if self.prefilter is None else (ONNX_FILE, PREFILTER_FILE)

    def to_json(self) -> dict[str, Any]:
        """The description as `wikirank.json` holds it, without the hashes."""
        fields: dict[str, Any] = {
            "kind": self.kind,
            "model_id": self.model_id,
            "max_length": self.max_length,
            "headings": self.prepend_heading,
            "calibration": {"scale": self.scale, "shift": self.shift},
        }
        if self.combination is not None:
            fields["combination"] = dict(self.combination)
        if self.prefilter is not None:
            fields["first_pass"] = asdict(self.prefilter)
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
    max_length, prepend_heading = fields.get("max_length"), fields.get("headings", False)
    combination = fields.get("combination")
    prefilter = fields.get("first_pass")
    checks = {
        "kind": fields.get("kind") in get_args(ModelKind),
        "model_id": isinstance(fields.get("model_id"), str) and bool(fields.get("model_id")),
        "max_length": type(max_length) is int and 0 < max_length <= _LONGEST_INPUT,
        "headings": isinstance(prepend_heading, bool),
        "calibration": _is_finite(scale) and scale > 0 and _is_finite(shift),
        "combination": combination is None or _is_combination(combination),
        "first_pass": prefilter is None or _is_rules(prefilter),
    }
    wrong = [name for name, good in checks.items() if not good]
    if wrong:
        got = ", ".join(f"{name}={_shown(fields.get(name))}" for name in wrong)
        msg = f"Expected valid fields in {file}, got {got}; re-export the model."
        raise ModelError(msg)
    return ModelDescription(
        kind=fields["kind"],
        model_id=fields["model_id"],
        max_length=fields["max_length"],
        prepend_heading=prepend_heading,
        scale=float(scale),
        shift=float(shift),
        combination=combination,
        prefilter=None if prefilter is None else _rules(prefilter),
    )


def _rules(fields: Mapping[str, Any]) -> DropRules:
    hybrid = fields["hybrid"]
    return DropRules(DropRule(**fields["alone"]), None if hybrid is None else DropRule(**hybrid))


def _is_rules(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"alone", "hybrid"}
        and _is_rule(value["alone"])
        and (value["hybrid"] is None or _is_rule(value["hybrid"]))
    )


def _is_rule(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == set(DropRule.__dataclass_fields__)
        and all(_is_finite(number) and number >= 0 for number in value.values())
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
    # A whole number may be larger than any float.
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"

"""The description of a model, which `wikirank.json` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.combination import DropRule, DropRules, ScoreInterpolation

ModelKind = Literal["embedder", "cross-encoder"]

ONNX_FILE = "model.onnx"
PREFILTER_FILE = "first_pass.onnx"
_MAX_LENGTH = 2**20
_INVALID = object()
_MAX_SHOWN_CHARS = 200


@dataclass(frozen=True)
class ModelDescription:
    """The description of a model, which `wikirank.json` holds.

    Attributes:
        kind: "embedder" or "cross-encoder".
        model_id: Name and version of the model. An index records that of its embedder.
        max_length: Longest input in tokens, special tokens included.
        prepend_heading: Whether passages carry `title › section` on a line before the text.
        calibration: Maps the logit to a relevance score.
        combination: Makes the final score in hybrid search; None for the logit alone.
        dense_combination: Makes the final score if only logit and cosine similarity are known, so
            its weight of BM25 is 0; None for the logit alone.
        prefilter: When the prefilter drops candidates, see `wikirank.rank.cascade`; None if
            there is no prefilter.
    """

    kind: ModelKind
    model_id: str
    max_length: int
    prepend_heading: bool = False
    calibration: Calibration = field(default_factory=Calibration)
    combination: ScoreInterpolation | None = None
    dense_combination: ScoreInterpolation | None = None
    prefilter: DropRules | None = None

    @property
    def network_files(self) -> tuple[str, ...]:
        """File names of the model's networks."""
        return (ONNX_FILE,) if self.prefilter is None else (ONNX_FILE, PREFILTER_FILE)

    def to_json(self) -> dict[str, Any]:
        """Return the fields of `wikirank.json`, without the hashes."""
        fields: dict[str, Any] = {
            "kind": self.kind,
            "model_id": self.model_id,
            "max_length": self.max_length,
            "headings": self.prepend_heading,
            "calibration": asdict(self.calibration),
        }
        for name in ("combination", "dense_combination"):
            combination = getattr(self, name)
            if combination is not None:
                fields[name] = asdict(combination)
        if self.prefilter is not None:
            fields["first_pass"] = asdict(self.prefilter)
        return fields


def parse_description(fields: Mapping[str, Any], file: Path) -> ModelDescription:
    """Read and check the fields of a `wikirank.json`.

    Args:
        fields: The fields.
        file: The file, for the error message.

    Returns:
        The description.

    Raises:
        ModelError: If a field is absent or out of range.
    """
    max_length, prepend_heading = fields.get("max_length"), fields.get("headings", False)
    checks = {
        "kind": fields.get("kind") in get_args(ModelKind),
        "model_id": isinstance(fields.get("model_id"), str) and bool(fields.get("model_id")),
        "max_length": type(max_length) is int and 0 < max_length <= _MAX_LENGTH,
        "headings": isinstance(prepend_heading, bool),
    }
    invalid = [name for name, valid in checks.items() if not valid]
    calibration = _parse(_calibration, fields.get("calibration", {}))
    combination = _parse(_combination, fields.get("combination"))
    dense_combination = _parse(_dense_combination, fields.get("dense_combination"))
    prefilter = _parse(_prefilter, fields.get("first_pass"))
    rules = {
        "calibration": calibration,
        "combination": combination,
        "dense_combination": dense_combination,
        "first_pass": prefilter,
    }
    invalid += [name for name, rule in rules.items() if rule is _INVALID]
    if invalid:
        got = ", ".join(f"{name}={_shorten(fields.get(name))}" for name in invalid)
        msg = f"Expected valid fields in {file}, got {got}. Export the model again."
        raise ModelError(msg)
    return ModelDescription(
        fields["kind"],
        fields["model_id"],
        fields["max_length"],
        prepend_heading,
        calibration,
        combination,
        dense_combination,
        prefilter,
    )


def _parse(parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except (InvalidArgumentError, AttributeError, KeyError, TypeError):
        return _INVALID


def _calibration(fields: Any) -> Calibration:
    return Calibration(fields.get("scale", 1.0), fields.get("shift", 0.0))


def _combination(fields: Any) -> ScoreInterpolation | None:
    return None if fields is None else ScoreInterpolation(**fields)


def _dense_combination(fields: Any) -> ScoreInterpolation | None:
    if fields is not None and fields["lexical"]:
        msg = f"Expected a lexical weight of 0, got {fields['lexical']!r}. Correct it."
        raise InvalidArgumentError(msg)
    return _combination(fields)


def _prefilter(fields: Any) -> DropRules | None:
    if fields is None:
        return None
    alone, hybrid = fields["alone"], fields["hybrid"]
    return DropRules(DropRule(**alone), None if hybrid is None else DropRule(**hybrid))


def _shorten(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _MAX_SHOWN_CHARS else f"{shown[:_MAX_SHOWN_CHARS]}…"

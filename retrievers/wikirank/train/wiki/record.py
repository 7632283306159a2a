"""The record of a run of the wiki recipe, as kept in `training.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wikirank.train.fit.history import RECORD_FILE, EpochRecord, OnnxRecord, write_record


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """The calibration of logits to relevance scores, fitted on dev and measured on test.

    Attributes:
        scale: Factor of the logit.
        shift: Number added to the scaled logit.
        error_before: Expected calibration error of the plain sigmoid on test.
        error: Expected calibration error with scale and shift on test.
        threshold: Lowest relevance score at and above which nine tenths of dev's candidates are
            relevant; None if there is none.
    """

    scale: float
    shift: float
    error_before: float
    error: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class CombinationRecord:
    """The final score of hybrid search, fitted on dev and measured on test.

    Attributes:
        logit: Weight of the logit.
        dense: Weight of the dense similarity.
        lexical: Weight of the relative BM25 score.
        shift: Number added to the weighted sum.
        cross_validated: MRR@10 and nDCG@10 of each ranking on dev. The final order is
            cross-validated.
        error: Expected calibration error on test.
        threshold: Lowest relevance score at and above which nine tenths of dev's candidates are
            relevant; None if there is none.
    """

    logit: float
    dense: float
    lexical: float
    shift: float
    cross_validated: dict[str, dict[str, float]]
    error: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class TeacherRecord:
    """A teacher of a run.

    Attributes:
        name: Name that the user passed.
        kind: `cross-encoder` or `bi-encoder`.
        weight: Weight of its score: a cross-encoder's log-odds, or a bi-encoder's cosine times 20.
        mrr: Its MRR@10 on the dev lists of `TeachingRecord.lists`.
    """

    name: str
    kind: str
    weight: float
    mrr: float


@dataclass(frozen=True, slots=True)
class TeachingRecord:
    """The weights of a run's teachers.

    Attributes:
        teachers: Name, weight and quality of each teacher.
        mrr: MRR@10 of their weighted sum on the same lists; cross-validated in five folds if the
            weights were fitted.
        lists: Number of dev lists: those of people's questions if there are enough, otherwise all.
        fitted: Whether the weights were fitted on these lists; otherwise all teachers have equal
            influence.
    """

    teachers: list[TeacherRecord]
    mrr: float
    lists: int
    fitted: bool

    @classmethod
    def of(cls, fields: dict[str, Any]) -> TeachingRecord:
        """Rebuild the record from the fields of `asdict`."""
        teachers = [TeacherRecord(**teacher) for teacher in fields["teachers"]]
        return cls(**{**fields, "teachers": teachers})

    def lines(self) -> list[str]:
        """Return a sentence on each teacher, and one on all together."""
        weights = "fitted" if self.fitted else "balanced"
        return [
            *(
                f"Teacher {t.name} ({t.kind}): MRR@10 {t.mrr:.4f}, weight {t.weight:.4g}."
                for t in self.teachers
            ),
            f"Teachers together ({weights} weights): MRR@10 {self.mrr:.4f} on {self.lists} dev "
            "lists.",
        ]


FEW_LISTS = 50
"""Results on fewer candidate lists than this are little better than a guess."""


@dataclass(frozen=True, slots=True)
class WikiRecord:
    """A finished run.

    Attributes:
        model_id: Name of the model.
        base: Name and revision of the base, and whether it got a new head.
        corpus: Name of the corpus.
        articles: Number of articles in the corpus.
        styles: Number of training groups by style of query.
        held_out: Number of candidate lists of `dev` and `test`.
        settings: Settings of the groups and of training.
        epochs: All evaluations on dev during training.
        seconds: Wall time of training, in the session that finished it.
        resumed: Whether training was resumed from a checkpoint.
        onnx: The exported model.
        calibration: Calibration of the exported model.
        combination: Combination of its logit with first-stage scores.
        test: MRR@10 and nDCG@10 of each ranking on test, with int8 weights as shipped.
        test_pairs: The same on the user's own questions only; empty if there are none.
        versions: Package name to version.
        teaching: Weights of the teachers; None without teachers.
    """

    model_id: str
    base: dict[str, Any]
    corpus: str
    articles: int
    styles: dict[str, int]
    held_out: dict[str, int]
    settings: dict[str, Any]
    epochs: list[EpochRecord]
    seconds: float
    resumed: bool
    onnx: OnnxRecord
    calibration: CalibrationRecord
    combination: CombinationRecord
    test: dict[str, dict[str, float]]
    test_pairs: dict[str, dict[str, float]]
    versions: dict[str, str]
    teaching: TeachingRecord | None = None

    def save(self, folder: Path) -> None:
        """Write `training.json`, whole or not at all."""
        write_record(folder, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> WikiRecord:
        """Read the record that `save` wrote."""
        fields = json.loads((folder / RECORD_FILE).read_text("utf-8"))
        fields["epochs"] = [EpochRecord(**epoch) for epoch in fields["epochs"]]
        fields["onnx"] = OnnxRecord(**fields["onnx"])
        fields["calibration"] = CalibrationRecord(**fields["calibration"])
        fields["combination"] = CombinationRecord(**fields["combination"])
        if fields.get("teaching"):
            fields["teaching"] = TeachingRecord.of(fields["teaching"])
        return cls(**fields)

    def summary(self) -> str:
        """Summarise the run in a few lines for a terminal."""
        lines = [
            f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in metrics.items())
            for name, metrics in self.test.items()
        ]
        lines.append(
            f"calibration error {self.calibration.error:.3f} "
            f"(plain sigmoid {self.calibration.error_before:.3f}), "
            f"of the final score {self.combination.error:.3f}"
        )
        lines.append(
            f"ONNX int8: {self.onnx.bytes / 1e6:.1f} MB, "
            f"Spearman {self.onnx.spearman:.4f} with fp32"
        )
        if self.teaching:
            lines += self.teaching.lines()
        if self.onnx.n_pairs < FEW_LISTS:
            lines.append(
                f"The comparison with fp32 is based on {self.onnx.n_pairs} pairs: too few to rely "
                "on."
            )
        return "\n".join([*lines, *few_lists(self.held_out)])


def few_lists(held_out: Mapping[str, int]) -> list[str]:
    """Return a warning for each of dev and test that has too few candidate lists.

    Args:
        held_out: Number of lists of `dev` and of `test`.

    Returns:
        No sentence, one or two.
    """
    results = {
        "dev": "The calibration and the weights of the final order are",
        "test": "The figures on held-out queries are",
    }
    return [
        f"{result} based on {held_out[part]} candidate lists, fewer than {FEW_LISTS}: do not rely "
        "on them. Add articles, or questions with passages (`--pairs`)."
        for part, result in results.items()
        if held_out[part] < FEW_LISTS
    ]

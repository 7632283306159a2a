"""What a run of the wiki recipe did, as kept in `training.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wikirank.train.fit.history import RECORD_FILE, EpochRecord, OnnxRecord, write_record


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """From logits to relevance scores, fitted on dev, checked on test.

    Attributes:
        scale: Factor of the logit.
        shift: Summand.
        error_before: Expected calibration error on test of the plain sigmoid.
        error: The same with scale and shift.
        threshold: Relevance score from which at least nine tenths of dev's candidates answer;
            None if there is none.
    """

    scale: float
    shift: float
    error_before: float
    error: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class CombinationRecord:
    """The final score of hybrid search, fitted on dev, checked on test.

    Attributes:
        logit: Weight of the logit.
        dense: Weight of the dense similarity.
        lexical: Weight of the relative BM25 score.
        shift: Summand.
        cross_validated: MRR@10 and nDCG@10 on dev by ranking, the final order by weights that were
            fitted on the other lists.
        error: Expected calibration error on test.
        threshold: As of `CalibrationRecord`.
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
        name: As it was named.
        kind: `cross-encoder` or `bi-encoder`.
        weight: Of its score: a cross-encoder's log-odds, a bi-encoder's cosine times 20.
        mrr: Its own MRR@10 on the dev lists that teachers are compared on.
    """

    name: str
    kind: str
    weight: float
    mrr: float


@dataclass(frozen=True, slots=True)
class TeachingRecord:
    """How a run's teachers were weighed.

    Attributes:
        teachers: Each of them.
        mrr: MRR@10 of their weighted sum on the same lists, in five-fold cross-validation where
            the weights were fitted.
        lists: How many dev lists: those of people's questions if there are enough, else all.
        fitted: Whether the weights were fitted on them; else each teacher has the same say.
    """

    teachers: list[TeacherRecord]
    mrr: float
    lists: int
    fitted: bool

    @classmethod
    def of(cls, fields: dict[str, Any]) -> TeachingRecord:
        """Read what `asdict` gave."""
        return cls(**{**fields, "teachers": [TeacherRecord(**one) for one in fields["teachers"]]})

    def lines(self) -> list[str]:
        """A sentence a teacher, and one on all together, for a person."""
        how = "fitted" if self.fitted else "equal say"
        return [
            *(
                f"Teacher {one.name} ({one.kind}): MRR@10 {one.mrr:.4f}, weight {one.weight:.4g}."
                for one in self.teachers
            ),
            f"Teachers together ({how}): MRR@10 {self.mrr:.4f} on {self.lists} dev lists.",
        ]


FEW_LISTS = 50
"""What rests on fewer candidate lists than this is little more than a guess."""


@dataclass(frozen=True, slots=True)
class WikiRecord:
    """A finished run.

    Attributes:
        model_id: What the model is called.
        base: Name, revision, and whether it got a new head.
        corpus: Name of the corpus.
        articles: Articles of the corpus.
        styles: Training groups by style of query.
        held_out: Candidate lists of `dev` and `test`.
        settings: Of the groups and of the training.
        epochs: One entry an evaluation on dev.
        seconds: Wall time of training, in the session that finished it.
        resumed: Whether it was taken up from a checkpoint.
        onnx: The exported model.
        calibration: Its calibration.
        combination: Its combination with the first stage.
        test: MRR@10 and nDCG@10 on test by ranking, int8 as shipped.
        test_pairs: The same on the questions of the user's own pairs; empty if there are none.
        versions: Package to version.
        teaching: How the teachers were weighed; None without teachers.
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
        """Read what `save` wrote."""
        fields = json.loads((folder / RECORD_FILE).read_text("utf-8"))
        fields["epochs"] = [EpochRecord(**epoch) for epoch in fields["epochs"]]
        fields["onnx"] = OnnxRecord(**fields["onnx"])
        fields["calibration"] = CalibrationRecord(**fields["calibration"])
        fields["combination"] = CombinationRecord(**fields["combination"])
        if fields.get("teaching"):
            fields["teaching"] = TeachingRecord.of(fields["teaching"])
        return cls(**fields)

    def summary(self) -> str:
        """The outcome in a few lines, for a person."""
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
        few = f"The comparison with fp32 rests on {self.onnx.n_pairs} pairs: too few to rely on."
        lines += [few] if self.onnx.n_pairs < FEW_LISTS else []
        return "\n".join([*lines, *few_lists(self.held_out)])


def few_lists(held_out: Mapping[str, int]) -> list[str]:
    """What to say where calibration or the figures rest on too few candidate lists.

    Args:
        held_out: How many lists there are of `dev` and of `test`.

    Returns:
        A sentence for each of the two that has too few.
    """
    rests = {
        "dev": "The calibration and the weights of the final order rest",
        "test": "The figures on held-out queries rest",
    }
    return [
        f"{what} on {held_out[part]} candidate lists, fewer than {FEW_LISTS}: do not rely on them. "
        "Give more articles, or questions with passages (`--pairs`)."
        for part, what in rests.items()
        if held_out[part] < FEW_LISTS
    ]

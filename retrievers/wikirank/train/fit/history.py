"""Records of a training run: pairs, evaluations, losses and export."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """One training example.

    Attributes:
        query: Text of the query.
        passage: Text of the passage.
        label: 1.0 if the passage is the query's own window, otherwise 0.0.
    """

    query: str
    passage: str
    label: float


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table. The cells are inserted as they are."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


RECORD_FILE = "training.json"


@dataclass(frozen=True)
class EpochRecord:
    """One evaluation during training.

    Attributes:
        epoch: Epochs trained so far.
        step: Optimiser steps so far.
        loss: Mean training loss since the previous evaluation.
        metrics: Metrics by name, such as `wiki-eval_mrr@10`.
    """

    epoch: float
    step: int
    loss: float
    metrics: dict[str, float]


@dataclass(frozen=True)
class OnnxRecord:
    """The exported model, compared with the trained one.

    Attributes:
        sha256: Hash of `model.onnx`.
        bytes: Size of `model.onnx`.
        spearman: Rank correlation of its logits with those of the torch model in fp32.
        n_pairs: Number of pairs that were compared.
    """

    sha256: str
    bytes: int
    spearman: float
    n_pairs: int


def write_record(folder: Path, fields: Mapping[str, Any]) -> None:
    """Write `training.json` to a run's folder, whole or not at all."""
    scratch = folder / f".{RECORD_FILE}"
    scratch.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", "utf-8")
    scratch.replace(folder / RECORD_FILE)


@dataclass(frozen=True, slots=True)
class Fit:
    """The course of a training.

    Attributes:
        epochs: All evaluations, including those before the training was resumed.
        losses: Steps with the mean training loss since the previous entry, including those before
            the training was resumed.
        seconds: Wall time of this session.
        resumed: Whether this session started from a checkpoint.
    """

    epochs: list[EpochRecord]
    losses: list[tuple[int, float]]
    seconds: float
    resumed: bool

    @classmethod
    def of(
        cls,
        history: Sequence[dict[str, float]],
        evaluator: str,
        *,
        seconds: float,
        resumed: bool,
    ) -> Fit:
        """Read a trainer's log, its `state.log_history`."""
        losses = [(int(entry["step"]), entry["loss"]) for entry in history if "loss" in entry]
        return cls(epoch_records(history, evaluator), losses, seconds, resumed)


def epoch_records(history: Sequence[dict[str, float]], evaluator: str) -> list[EpochRecord]:
    """Return the evaluations in a trainer's log, its `state.log_history`, in order."""
    prefix = f"eval_{evaluator}_"
    records = []
    losses: list[tuple[int, float]] = []  # since the last evaluation: steps and their mean loss
    logged = evaluated = 0
    for entry in history:
        step = int(entry["step"])
        if "loss" in entry:
            losses = losses if logged > evaluated else []
            losses.append((step - logged, entry["loss"]))
            logged = step
        metrics = {
            name.removeprefix("eval_"): float(value)
            for name, value in entry.items()
            if name.startswith(prefix)
        }
        if metrics:
            loss = sum(n * mean for n, mean in losses) / sum(n for n, _ in losses)
            records.append(EpochRecord(float(entry["epoch"]), step, loss, metrics))
            evaluated = step
    return records

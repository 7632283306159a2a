"""What a training run records: its pairs, evaluations, losses and export."""

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
        query: The question.
        passage: The passage it is paired with.
        label: 1.0 if the passage is the query's own window, else 0.0.
    """

    query: str
    passage: str
    label: float


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of a head and rows, whose cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


RECORD_FILE = "training.json"


@dataclass(frozen=True)
class EpochRecord:
    """One evaluation during training.

    Attributes:
        epoch: Epochs trained.
        step: Optimiser steps taken.
        loss: Mean training loss since the evaluation before.
        metrics: `wiki-eval_map`, `wiki-eval_mrr@10`, `wiki-eval_ndcg@10`.
    """

    epoch: float
    step: int
    loss: float
    metrics: dict[str, float]


@dataclass(frozen=True)
class OnnxRecord:
    """The exported model beside the trained one.

    Attributes:
        sha256: Hash of `model.onnx`.
        bytes: Its size.
        spearman: Rank correlation of its logits with those of the torch model in fp32.
        n_pairs: Over so many held-out pairs.
    """

    sha256: str
    bytes: int
    spearman: float
    n_pairs: int


def write_record(folder: Path, fields: Mapping[str, Any]) -> None:
    """Write the `training.json` of a run's folder, whole or not at all."""
    scratch = folder / f".{RECORD_FILE}"
    scratch.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", "utf-8")
    scratch.replace(folder / RECORD_FILE)


@dataclass(frozen=True, slots=True)
class Fit:
    """What the trainer did.

    Attributes:
        epochs: One entry an evaluation, earlier sessions' included.
        losses: Steps, each with the mean training loss since the one before; likewise.
        seconds: Wall time of this session.
        resumed: Whether it started from a checkpoint.
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
        """Read a trainer's log.

        Args:
            history: The trainer's `state.log_history`.
            evaluator: Name of the evaluator.
            seconds: As the attribute.
            resumed: Likewise.

        Returns:
            What the trainer did.
        """
        losses = [(int(entry["step"]), entry["loss"]) for entry in history if "loss" in entry]
        return cls(epoch_records(history, evaluator), losses, seconds, resumed)


def epoch_records(history: Sequence[dict[str, float]], evaluator: str) -> list[EpochRecord]:
    """One record for each step that was evaluated, from a trainer's log.

    Args:
        history: The trainer's `state.log_history`.
        evaluator: Name of the evaluator.

    Returns:
        The records, in the order of the steps.
    """
    prefix = f"eval_{evaluator}_"
    records = []
    losses: list[tuple[int, float]] = []  # since the evaluation before: steps, their mean
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

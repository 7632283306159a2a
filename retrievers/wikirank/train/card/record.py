"""The record of a run of the card recipe, as kept in `training.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wikirank.errors import ModelError
from wikirank.train.fit.history import (
    RECORD_FILE,
    EpochRecord,
    LabelledPair,
    OnnxRecord,
    write_record,
)


@dataclass(frozen=True)
class Lengths:
    """Lengths of texts in characters.

    Attributes:
        min: Length of the shortest text.
        mean: Mean length, to two decimals.
        max: Length of the longest text.
    """

    min: int
    mean: float
    max: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> Lengths:
        """Summarise one or more texts."""
        sizes = [len(text) for text in texts]
        return cls(min(sizes), round(float(np.mean(sizes)), 2), max(sizes))


@dataclass(frozen=True)
class DataRecord:
    """The data of a run.

    Attributes:
        corpus: Name of the corpus.
        n_articles: Number of articles in the corpus.
        n_eligible: Number of windows in the corpus within the card's lengths.
        n_windows: Number of windows that were drawn.
        n_train: Number of training pairs.
        n_eval: Number of held-out pairs.
        mean_label: Mean label of the training pairs.
        query_chars: Lengths of the training queries.
        passage_chars: Lengths of the training passages.
        samples: The first training pairs, as `{"query", "passage", "label"}`.
    """

    corpus: str
    n_articles: int
    n_eligible: int
    n_windows: int
    n_train: int
    n_eval: int
    mean_label: float
    query_chars: Lengths
    passage_chars: Lengths
    samples: list[dict[str, Any]]


@dataclass(frozen=True)
class OverlapRecord:
    """Results of reranking the held-out passages that share most words with a held-out query.

    Attributes:
        n_queries: Number of held-out queries with a positive pair.
        metrics: map, mrr@10 and ndcg@10 of three rankings: `word overlap` alone; `reranked`, in
            which the positive is always among the candidates; and `reranked, misses count`, in
            which it is there only if word overlap found it.
    """

    n_queries: int
    metrics: dict[str, dict[str, float]]


@dataclass(frozen=True)
class TrainingRecord:
    """A finished run.

    Attributes:
        model_id: Name of the model.
        base: Name and revision of the base, and whether it is the fallback or got a new head.
        data: Training and held-out data.
        hyperparameters: The trainer's hyperparameters, by their transformers names.
        epochs: All evaluations during training.
        wiki_eval_queries: Number of queries of `wiki-eval`, each with a positive and a negative.
        seconds: Wall time of training with its evaluations, in the session that finished the run.
        resumed: Whether the run was resumed from a checkpoint.
        onnx: The exported model.
        overlap: Results of reranking by word overlap.
        versions: Package name to version.
    """

    model_id: str
    base: dict[str, Any]
    data: DataRecord
    hyperparameters: dict[str, Any]
    epochs: list[EpochRecord]
    wiki_eval_queries: int
    seconds: float
    resumed: bool
    onnx: OnnxRecord
    overlap: OverlapRecord
    versions: dict[str, str]

    def summary(self) -> str:
        """Summarise the run in a few lines for a terminal."""
        lines = [
            f"epoch {epoch.epoch:g}: loss {epoch.loss:.4f}, "
            + ", ".join(f"{name} {value:.4f}" for name, value in epoch.metrics.items())
            for epoch in self.epochs
        ]
        lines.append(
            f"ONNX int8: {self.onnx.bytes / 1e6:.1f} MB, Spearman {self.onnx.spearman:.4f} with "
            f"fp32 on {self.onnx.n_pairs} held-out pairs"
        )
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write `training.json`, whole or not at all."""
        write_record(folder, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> TrainingRecord:
        """Read the `training.json` of a finished run.

        Raises ModelError if the file is missing, or `save` did not write it.
        """
        try:
            fields = json.loads((folder / RECORD_FILE).read_text("utf-8"))
            return cls(
                **{
                    **fields,
                    "data": _data_record(fields["data"]),
                    "epochs": [EpochRecord(**epoch) for epoch in fields["epochs"]],
                    "onnx": OnnxRecord(**fields["onnx"]),
                    "overlap": OverlapRecord(**fields["overlap"]),
                }
            )
        except (OSError, ValueError, KeyError, TypeError) as err:
            msg = (
                f"Expected the {RECORD_FILE} of a finished run in {folder}, got: {err!r}. Finish "
                "the run first."
            )
            raise ModelError(msg) from err


def describe_data(
    train: Sequence[LabelledPair],
    *,
    corpus: str,
    n_articles: int,
    n_eligible: int,
    n_windows: int,
    n_eval: int,
    n_samples: int = 3,
) -> DataRecord:
    """Summarise a run's training pairs. The other arguments are fields of the result."""
    return DataRecord(
        corpus=corpus,
        n_articles=n_articles,
        n_eligible=n_eligible,
        n_windows=n_windows,
        n_train=len(train),
        n_eval=n_eval,
        mean_label=round(float(np.mean([pair.label for pair in train])), 4),
        query_chars=Lengths.of([pair.query for pair in train]),
        passage_chars=Lengths.of([pair.passage for pair in train]),
        samples=[asdict(pair) for pair in train[:n_samples]],
    )


def _data_record(fields: Mapping[str, Any]) -> DataRecord:
    lengths = {name: Lengths(**fields[name]) for name in ("query_chars", "passage_chars")}
    return DataRecord(**{**fields, **lengths})

"""Fine-tuning on groups of one positive passage and its negatives."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.evaluation import CrossEncoderRerankingEvaluator
from transformers import EarlyStoppingCallback, PrinterCallback

from wikirank.train.folder import last_checkpoint
from wikirank.train.quiet import quiet_transformers
from wikirank.train.trainer import Fit, epoch_records
from wikirank.train.wiki.groups import TrainingGroup
from wikirank.train.wiki.heldout import CandidateList
from wikirank.train.wiki.loss import GroupLoss

EVALUATOR = "dev"
DEV_LISTS = 60
DEV_DEPTH = 20
AT_K = 10
_HEAD = r"^(?!0\.)"
"""Parameters of all modules but the first, the transformer."""


@dataclass(frozen=True, slots=True)
class GroupHyperparameters:
    """How to train on groups.

    Attributes:
        epochs: Passes over the groups.
        groups_per_step: Groups a step, 1 or more.
        learning_rate: Of the transformer.
        head_learning_rate: Of the modules after it, which start from chance.
        warmup: Share of the steps over which the learning rates rise from 0.
        weight_decay: Of AdamW.
        bce_weight: Weight of the binary part of the loss.
        evaluations: How many times to evaluate on dev, evenly spread.
        patience: Evaluations without a better nDCG@10 after which to stop.
        seed: Of the order of the groups and of dropout.
        bf16: Whether to train under bfloat16 autocast, which halves the time on a recent CPU.
    """

    epochs: int = 1
    groups_per_step: int = 8
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.01
    bce_weight: float = 0.5
    evaluations: int = 5
    patience: int = 3
    seed: int = 42
    bf16: bool = True


def groups_dataset(groups: Sequence[TrainingGroup]) -> Dataset:
    """Groups as `GroupLoss` takes them: columns `query`, `docs` and `labels`.

    Args:
        groups: As many negatives in each.

    Returns:
        The data set, the positive first in each group.
    """
    return Dataset.from_dict(
        {
            "query": [group.query for group in groups],
            "docs": [[group.positive, *group.negatives] for group in groups],
            "labels": [[1, *[0] * len(group.negatives)] for group in groups],
        }
    )


def ranking_samples(lists: Sequence[CandidateList]) -> list[dict[str, str | list[str]]]:
    """Candidate lists as sentence-transformers' reranking evaluator takes them.

    Few and short ones are enough to choose a checkpoint by, and scoring them costs as much as
    training on them would.

    Args:
        lists: Candidate lists; the first `DEV_LISTS` are taken.

    Returns:
        Samples of the first `DEV_DEPTH` candidates each; a positive further down counts as missed.
    """
    return [
        {
            "query": held.query,
            "positive": [held.positive],
            "documents": held.candidates[:DEV_DEPTH],
        }
        for held in lists[:DEV_LISTS]
    ]


def fit_groups(
    model: CrossEncoder,
    groups: Dataset,
    dev: list[dict[str, str | list[str]]],
    hyperparameters: GroupHyperparameters,
    *,
    checkpoints: Path,
    progress: bool,
) -> Fit:
    """Fine-tune a model in place and leave it as it was at its best on dev.

    Args:
        model: One label.
        groups: Of `groups_dataset`.
        dev: Of `ranking_samples`; nDCG@10 on it decides, positives that were missed stay missed.
        hyperparameters: How to train.
        checkpoints: Folder for the checkpoints; training goes on from the last one in it.
        progress: Whether to show transformers' progress bar.

    Returns:
        The evaluations and the time.
    """
    resume_from = last_checkpoint(checkpoints)
    trainer = CrossEncoderTrainer(
        model=model,
        args=_arguments(hyperparameters, len(groups), checkpoints, progress=progress),
        train_dataset=groups,
        loss=GroupLoss(model, bce_weight=hyperparameters.bce_weight),
        evaluator=_evaluator(dev),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=hyperparameters.patience)],
    )
    trainer.remove_callback(PrinterCallback)  # prints to standard output where there is no bar
    started = time.perf_counter()
    with quiet_transformers(not progress):
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    seconds = time.perf_counter() - started
    return Fit(
        epoch_records(trainer.state.log_history, EVALUATOR), seconds, resume_from is not None
    )


def _arguments(
    hyperparameters: GroupHyperparameters, n_groups: int, checkpoints: Path, *, progress: bool
) -> CrossEncoderTrainingArguments:
    steps = math.ceil(n_groups / hyperparameters.groups_per_step) * hyperparameters.epochs
    every = max(1, steps // hyperparameters.evaluations)
    schedule: dict[str, Any] = {
        name: value
        for kind in ("eval", "save", "logging")
        for name, value in ((f"{kind}_strategy", "steps"), (f"{kind}_steps", every))
    }
    return CrossEncoderTrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=hyperparameters.epochs,
        per_device_train_batch_size=hyperparameters.groups_per_step,
        learning_rate=hyperparameters.learning_rate,
        learning_rate_mapping={_HEAD: hyperparameters.head_learning_rate},
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(hyperparameters.warmup * steps),
        weight_decay=hyperparameters.weight_decay,
        bf16=hyperparameters.bf16,
        seed=hyperparameters.seed,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{EVALUATOR}_ndcg@{AT_K}",
        report_to="none",
        disable_tqdm=not progress,
        use_cpu=not torch.cuda.is_available(),
        **schedule,
    )


def _evaluator(samples: list[dict[str, str | list[str]]]) -> CrossEncoderRerankingEvaluator:
    return CrossEncoderRerankingEvaluator(
        samples,
        at_k=AT_K,
        always_rerank_positives=False,
        name=EVALUATOR,
        batch_size=16,
        write_csv=False,
    )

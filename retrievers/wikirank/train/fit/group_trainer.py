"""Fine-tune on groups: a positive and its negatives, or passages that a teacher scored."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.evaluation import CrossEncoderRerankingEvaluator
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from typing_extensions import override

from wikirank.errors import InvalidArgumentError
from wikirank.train.data.candidate_lists import CandidateList
from wikirank.train.data.groups import TrainingGroup
from wikirank.train.data.question_groups import QuestionGroup
from wikirank.train.fit.history import Fit
from wikirank.train.fit.loss import GroupLoss, LossName
from wikirank.train.fit.processes import process_count
from wikirank.train.fit.quiet import quiet_transformers
from wikirank.train.fit.run_folder import last_checkpoint

EVALUATOR = "dev"
DEV_LISTS = 150
DEV_DEPTH = 20
AT_K = 10
DEV_METRIC = f"{EVALUATOR}_ndcg@{AT_K}"
_LOGS = 80
"""Number of logged losses: enough for a curve, few enough to average out the noise."""
_HEAD = r"^model\.(?!0\.)"
"""Matches the parameters of all modules after the first, which is the transformer."""


@dataclass(frozen=True, slots=True)
class GroupHyperparameters:
    """Hyperparameters of training on groups.

    Attributes:
        epochs: Passes over the groups.
        groups_per_step: Groups in one step of all processes together, 1 or more.
        learning_rate: Learning rate of the transformer.
        head_learning_rate: Learning rate of the modules after the transformer, which are new.
        warmup: Share of the steps in which the learning rates rise from 0.
        weight_decay: Weight decay of AdamW.
        loss: `both`, `listwise`, `bce` or `distillation`, see `GroupLoss`.
        bce_weight: Weight of the binary part of `both` and of `distillation`.
        evaluations: Number of evaluations on dev, evenly spread.
        patience: Number of evaluations without a better nDCG@10 after which training stops.
        seed: Seed of the order of the groups and of dropout.
        bf16: Whether to train under bfloat16 autocast. It halves the time on a GPU or on a CPU with
            bfloat16 instructions, and is ignored on other CPUs.
    """

    epochs: int = 1
    groups_per_step: int = 8
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.01
    loss: LossName = "both"
    bce_weight: float = 0.5
    evaluations: int = 5
    patience: int = 3
    seed: int = 42
    bf16: bool = True

    def __post_init__(self) -> None:
        if self.loss not in get_args(LossName):
            msg = f"Expected a loss of {', '.join(get_args(LossName))}, got {self.loss!r}."
            raise InvalidArgumentError(msg)


def groups_dataset(
    groups: Sequence[TrainingGroup],
    scores: Sequence[Sequence[float]] | None = None,
    questions: Sequence[QuestionGroup] = (),
) -> Dataset:
    """Return groups as a data set for `GroupLoss`, with columns `query`, `docs` and `labels`.

    Args:
        groups: Labelled groups.
        scores: A teacher's scores of each group, then of each question, for the loss
            `distillation`. They become a fourth column, `scores`.
        questions: Unlabelled groups.

    Returns:
        The groups, then the questions. The positive comes first in each labelled group.
    """
    columns: dict[str, list[Any]] = {
        "query": [
            *(group.query for group in groups),
            *(group.query for group in questions),
        ],
        "docs": [
            *([group.positive, *group.negatives] for group in groups),
            *(group.passages for group in questions),
        ],
        "labels": [
            *([1, *[0] * len(group.negatives)] for group in groups),
            *([0] * len(group.passages) for group in questions),
        ],
    }
    if scores is not None:
        columns["scores"] = [list(row) for row in scores]
    return Dataset.from_dict(columns)


def ranking_samples(lists: Sequence[CandidateList]) -> list[dict[str, str | list[str]]]:
    """Return candidate lists as samples for sentence-transformers' reranking evaluator.

    A few short lists are enough to choose a checkpoint, and scoring a list takes as long as
    training on it. So only the first `DEV_LISTS` lists and `DEV_DEPTH` candidates are used. A
    positive further down counts as missed.
    """
    return [
        {
            "query": candidate_list.query,
            "positive": [candidate_list.positive],
            "documents": candidate_list.candidates[:DEV_DEPTH],
        }
        for candidate_list in lists[:DEV_LISTS]
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
    """Fine-tune a model in place, and load its best checkpoint on dev at the end.

    Args:
        model: Cross-encoder with one label.
        groups: Training data, from `groups_dataset`.
        dev: Samples to choose the checkpoint with the best nDCG@10 on, from `ranking_samples`. A
            positive that the first stage missed stays missed.
        hyperparameters: How to train.
        checkpoints: Folder of the checkpoints. Training resumes from the last one in it.
        progress: Whether to show a progress bar with the loss, the dev metric and the time left.

    Returns:
        The evaluations, the losses and the time.

    Raises:
        InvalidArgumentError: If the loss needs a teacher's scores and the groups have none, or the
            other way round; or if `groups_per_step` is not a multiple of the number of processes.
    """
    if ("scores" in groups.column_names) != (hyperparameters.loss == "distillation"):
        msg = (
            "Expected a column 'scores' with the loss 'distillation' and with no other, got the "
            f"columns {groups.column_names} with the loss {hyperparameters.loss!r}."
        )
        raise InvalidArgumentError(msg)
    resume_from = last_checkpoint(checkpoints)
    trainer = CrossEncoderTrainer(
        model=model,
        args=_arguments(
            hyperparameters,
            len(groups),
            checkpoints,
            own_head=len(model) > 1,
            progress=progress,
        ),
        train_dataset=groups,
        loss=GroupLoss(model, loss=hyperparameters.loss, bce_weight=hyperparameters.bce_weight),
        evaluator=_evaluator(dev),
        callbacks=[
            EarlyStoppingCallback(early_stopping_patience=hyperparameters.patience),
            _LogAtEvaluation(),
        ],
    )
    trainer.remove_callback(PrinterCallback)  # without a bar it prints to standard output
    trainer.remove_callback(ProgressCallback)
    if progress:
        trainer.add_callback(_Progress())
    started = time.perf_counter()
    with quiet_transformers():  # its bars for loading and saving would break ours
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    # The checkpoints may be deleted only after every process has read the best one.
    trainer.accelerator.wait_for_everyone()
    # Otherwise the model would stay under autocast, and its export would be in bfloat16.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return Fit.of(
        trainer.state.log_history,
        EVALUATOR,
        seconds=time.perf_counter() - started,
        resumed=resume_from is not None,
    )


class _LogAtEvaluation(TrainerCallback):
    """Logs the loss at each evaluation, so that it covers all steps before the evaluation."""

    @override
    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        control.should_log |= control.should_evaluate


class _Progress(ProgressCallback):
    """Shows loss and dev metric on the progress bar, and prints a line after each evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[str, str] = {}

    @override
    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        bar, logs = self.training_bar, logs or {}
        if bar is None:
            return
        names = {"loss": "loss", f"eval_{DEV_METRIC}": f"dev nDCG@{AT_K}"}
        self._shown |= {label: f"{logs[name]:.4f}" for name, label in names.items() if name in logs}
        bar.set_postfix(self._shown)
        if f"eval_{DEV_METRIC}" in logs:
            line = ", ".join(f"{name} {value}" for name, value in self._shown.items())
            bar.write(f"step {state.global_step}: {line}", file=sys.stderr)


def _arguments(
    hyperparameters: GroupHyperparameters,
    n_groups: int,
    checkpoints: Path,
    *,
    own_head: bool,
    progress: bool,
) -> CrossEncoderTrainingArguments:
    steps = math.ceil(n_groups / hyperparameters.groups_per_step) * hyperparameters.epochs
    every = {
        "eval": max(1, steps // hyperparameters.evaluations),
        "save": max(1, steps // hyperparameters.evaluations),
        "logging": max(1, steps // _LOGS),
    }
    schedule: dict[str, Any] = {
        name: value
        for kind, n in every.items()
        for name, value in ((f"{kind}_strategy", "steps"), (f"{kind}_steps", n))
    }
    return CrossEncoderTrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=hyperparameters.epochs,
        per_device_train_batch_size=_groups_per_process(
            hyperparameters.groups_per_step, process_count()
        ),
        learning_rate=hyperparameters.learning_rate,
        learning_rate_mapping={_HEAD: hyperparameters.head_learning_rate} if own_head else {},
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(hyperparameters.warmup * steps),
        weight_decay=hyperparameters.weight_decay,
        # Without special instructions bfloat16 takes two to ten times as long as fp32.
        bf16=hyperparameters.bf16 and (torch.cuda.is_available() or _has_bf16_instructions()),
        seed=hyperparameters.seed,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{DEV_METRIC}",
        report_to="none",
        disable_tqdm=not progress,
        use_cpu=not torch.cuda.is_available(),
        dataloader_drop_last=process_count() > 1,  # all processes need the same number of batches
        **schedule,
    )


def _has_bf16_instructions() -> bool:
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _groups_per_process(groups_per_step: int, processes: int) -> int:
    """Return the groups of each process in a step, so that the step's size stays the same."""
    if groups_per_step % processes:
        msg = (
            f"Expected groups_per_step to be a multiple of the {processes} processes, got "
            f"{groups_per_step}. Change one of the two."
        )
        raise InvalidArgumentError(msg)
    return groups_per_step // processes


def _evaluator(samples: list[dict[str, str | list[str]]]) -> CrossEncoderRerankingEvaluator:
    return CrossEncoderRerankingEvaluator(
        samples,
        at_k=AT_K,
        always_rerank_positives=False,
        name=EVALUATOR,
        batch_size=16,
        write_csv=False,
    )

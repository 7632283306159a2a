"""Fine-tuning on groups: a positive and its negatives, or passages that a teacher scored."""

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
"""How many times to log the loss: enough for a curve, few enough for its noise to be averaged."""
_HEAD = r"^model\.(?!0\.)"
"""Parameters, as the loss names them, of all modules but the model's first, the transformer."""


@dataclass(frozen=True, slots=True)
class GroupHyperparameters:
    """How to train on groups.

    Attributes:
        epochs: Passes over the groups.
        groups_per_step: Groups a step, 1 or more; of all processes together.
        learning_rate: Of the transformer.
        head_learning_rate: Of the modules after it, which start from chance.
        warmup: Share of the steps over which the learning rates rise from 0.
        weight_decay: Of AdamW.
        loss: `both`, `listwise`, `bce` or `distillation`; see `GroupLoss`.
        bce_weight: Weight of the binary part of `both` and of `distillation`.
        evaluations: How many times to evaluate on dev, evenly spread.
        patience: Evaluations without a better nDCG@10 after which to stop.
        seed: Of the order of the groups and of dropout.
        bf16: Whether to train under bfloat16 autocast, on a GPU or a CPU with instructions for it,
            where it halves the time.
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
    """Groups as `GroupLoss` takes them: columns `query`, `docs` and `labels`.

    Args:
        groups: Labelled ones.
        scores: A teacher's of each group, then of each question, for the loss `distillation`: a
            column more, `scores`.
        questions: Groups without a label.

    Returns:
        The data set, the positive first in each labelled group; questions follow the groups.
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
            "query": one.query,
            "positive": [one.positive],
            "documents": one.candidates[:DEV_DEPTH],
        }
        for one in lists[:DEV_LISTS]
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
        progress: Whether to show a progress bar with the loss, the dev metric and the time left.

    Returns:
        The evaluations, the losses and the time.

    Raises:
        InvalidArgumentError: If the loss wants a teacher's scores and the groups have none or the
            other way round, or the groups a step cannot be shared out among the processes.
    """
    if ("scores" in groups.column_names) != (hyperparameters.loss == "distillation"):
        msg = (
            "Expected the teacher's scores beside the groups exactly for the loss 'distillation', "
            f"got the columns {groups.column_names} for the loss {hyperparameters.loss!r}."
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
    trainer.remove_callback(PrinterCallback)  # prints to standard output where there is no bar
    trainer.remove_callback(ProgressCallback)
    if progress:
        trainer.add_callback(_Progress())
    started = time.perf_counter()
    with quiet_transformers():  # of its bars for loading and saving, too, which tear ours
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    trainer.accelerator.wait_for_everyone()  # all have read the best checkpoint: it may go
    # Else the model would go on under autocast: an export of it would be in bfloat16.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return Fit.of(
        trainer.state.log_history,
        EVALUATOR,
        seconds=time.perf_counter() - started,
        resumed=resume_from is not None,
    )


class _LogAtEvaluation(TrainerCallback):
    """Logs the loss wherever there is an evaluation, so that no step before it is left out."""

    @override
    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        control.should_log |= control.should_evaluate


class _Progress(ProgressCallback):
    """Loss and dev metric on the bar itself, beside steps and time left; a line an evaluation."""

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
        new = {shown: f"{logs[name]:.4f}" for name, shown in names.items() if name in logs}
        self._shown |= new
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
        per_device_train_batch_size=_share(hyperparameters.groups_per_step, process_count()),
        learning_rate=hyperparameters.learning_rate,
        learning_rate_mapping={_HEAD: hyperparameters.head_learning_rate} if own_head else {},
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(hyperparameters.warmup * steps),
        weight_decay=hyperparameters.weight_decay,
        # Without instructions of its own, bfloat16 takes two to ten times as long as fp32.
        bf16=hyperparameters.bf16 and (torch.cuda.is_available() or _has_bf16_instructions()),
        seed=hyperparameters.seed,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{DEV_METRIC}",
        report_to="none",
        disable_tqdm=not progress,
        use_cpu=not torch.cuda.is_available(),
        dataloader_drop_last=process_count() > 1,  # each must have as many batches
        **schedule,
    )


def _has_bf16_instructions() -> bool:
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _share(groups_per_step: int, processes: int) -> int:
    """Groups a step for each process, so that a step is the same whatever the number of them."""
    if groups_per_step % processes:
        msg = (
            f"Expected groups_per_step to be a multiple of the {processes} processes, got "
            f"{groups_per_step}; change one of the two."
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

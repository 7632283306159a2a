"""Fine-tune with the card's hyperparameters, and evaluate the result."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.evaluation import CrossEncoderRerankingEvaluator
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from transformers import PrinterCallback

from wikirank.train.card.evaluation import Sample
from wikirank.train.fit.history import Fit, LabelledPair
from wikirank.train.fit.quiet import quiet_transformers
from wikirank.train.fit.run_folder import last_checkpoint

EVALUATOR = "wiki-eval"
AT_K = 10


def card_hyperparameters(*, epochs: int, seed: int) -> dict[str, Any]:
    """Return the card's hyperparameters, by the names of transformers' training arguments.

    The card has 3 epochs and seed 42. The values are JSON-serialisable.
    """
    return {
        "num_train_epochs": epochs,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
        "optim": "adamw_torch_fused",
        "learning_rate": 5e-5,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0,
        "weight_decay": 0.0,
        "adam_beta1": 0.9,
        "adam_beta2": 0.999,
        "adam_epsilon": 1e-8,
        "max_grad_norm": 1.0,
        "fp16": False,
        "bf16": False,
        "seed": seed,
        "eval_strategy": "steps",
    }


def fit(
    model: CrossEncoder,
    train: Sequence[LabelledPair],
    samples: list[Sample],
    hyperparameters: dict[str, Any],
    *,
    checkpoints: Path,
    progress: bool,
) -> Fit:
    """Fine-tune a model in place, from the last checkpoint in the folder if there is one.

    After every epoch the model is evaluated on `samples` and saved.
    """
    resume_from = last_checkpoint(checkpoints)
    trainer = _trainer(model, train, samples, hyperparameters, checkpoints, progress)
    started = time.perf_counter()
    with quiet_transformers(not progress):
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    return Fit.of(
        trainer.state.log_history,
        EVALUATOR,
        seconds=time.perf_counter() - started,
        resumed=resume_from is not None,
    )


def overlap_evaluation(
    model: CrossEncoder, samples: list[Sample], *, progress: bool
) -> dict[str, dict[str, float]]:
    """Rerank the candidates of `overlap_samples`, and measure both orders.

    Returns map, mrr@10 and ndcg@10 of `word overlap`, of `reranked` (the evaluator's default, which
    adds the positive to the candidates) and of `reranked, misses count` (which does not).
    """

    def evaluate(*, add_positives: bool) -> dict[str, float]:
        evaluator = CrossEncoderRerankingEvaluator(
            samples,
            at_k=AT_K,
            always_rerank_positives=add_positives,
            batch_size=16,
            show_progress_bar=progress,
            write_csv=False,
        )
        return {name: float(value) for name, value in evaluator(model).items()}

    with_positives = evaluate(add_positives=True)
    found_all = all(set(sample["positive"]) <= set(sample["documents"]) for sample in samples)
    with_misses = with_positives if found_all else evaluate(add_positives=False)
    names = ("map", f"mrr@{AT_K}", f"ndcg@{AT_K}")
    return {
        "word overlap": {name: with_positives[f"base_{name}"] for name in names},
        "reranked": {name: with_positives[name] for name in names},
        "reranked, misses count": {name: with_misses[name] for name in names},
    }


def _trainer(
    model: CrossEncoder,
    train: Sequence[LabelledPair],
    samples: list[Sample],
    hyperparameters: dict[str, Any],
    checkpoints: Path,
    progress: bool,
) -> CrossEncoderTrainer:
    epoch_steps = math.ceil(len(train) / hyperparameters["per_device_train_batch_size"])
    arguments = CrossEncoderTrainingArguments(
        output_dir=str(checkpoints),
        eval_steps=epoch_steps,
        save_strategy="steps",
        save_steps=epoch_steps,
        save_total_limit=1,
        logging_strategy="steps",
        logging_steps=epoch_steps,
        report_to="none",
        disable_tqdm=not progress,
        use_cpu=not torch.cuda.is_available(),
        **hyperparameters,
    )
    trainer = CrossEncoderTrainer(
        model=model,
        args=arguments,
        train_dataset=_dataset(train),
        loss=BinaryCrossEntropyLoss(model, activation_fn=torch.nn.Identity()),
        evaluator=CrossEncoderRerankingEvaluator(
            samples,
            at_k=AT_K,
            name=EVALUATOR,
            batch_size=hyperparameters["per_device_eval_batch_size"],
            write_csv=False,
        ),
    )
    trainer.remove_callback(PrinterCallback)  # without a bar it prints to standard output
    return trainer


def _dataset(pairs: Sequence[LabelledPair]) -> Dataset:
    """Return the pairs as a data set with the card's column names."""
    return Dataset.from_dict(
        {
            "sentence_0": [pair.query for pair in pairs],
            "sentence_1": [pair.passage for pair in pairs],
            "label": [pair.label for pair in pairs],
        }
    )

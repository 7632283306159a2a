"""Training of the head of an early exit, on the groups that the cross-encoder was trained on.

The cross-encoder itself stays as it is, so what goes through all its layers scores as before.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from sentence_transformers import CrossEncoder
from torch import Tensor, nn

from wikirank.errors import InvalidArgumentError
from wikirank.train.early_exit.head import ExitHead
from wikirank.train.wiki.groups import TrainingGroup
from wikirank.train.wiki.model import bert_layers

_CHUNK = 512  # Groups sorted by length together, so that batches hold little padding.
_EACH_SAVED = 100


@dataclass(frozen=True, slots=True)
class ExitHyperparameters:
    """How to train the head.

    Attributes:
        most_groups: Train on so many groups at most; one pass.
        groups_per_step: Groups a step, 1 or more.
        learning_rate: Of the transformer layer, which is a copy of a trained one.
        head_learning_rate: Of what follows it, which starts from chance.
        warmup_steps: Steps over which the learning rates rise from 0; then they fall to 0 linearly.
        weight_decay: Of AdamW.
        length: Longest pair to train on, in tokens; longer passages lose their end.
        seed: Of the order of the groups and the first weights.
    """

    most_groups: int = 20_000
    groups_per_step: int = 12
    learning_rate: float = 3e-4
    head_learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 0.01
    length: int = 192
    seed: int = 42


def fit_exit(
    model: CrossEncoder,
    groups: Sequence[TrainingGroup],
    hyperparameters: ExitHyperparameters,
    *,
    after: int,
    checkpoint: Path,
    progress: bool,
) -> ExitHead:
    """Train a head; listwise softmax cross-entropy of the positive among its negatives.

    Args:
        model: The trained cross-encoder, a BERT of more than `after` layers; left as it is.
        groups: As many negatives in each.
        hyperparameters: How to train.
        after: How many layers come before the exit.
        checkpoint: File that the state is kept in each hundred steps; training goes on from it.
        progress: Whether to show a progress bar.

    Returns:
        The head.

    Raises:
        InvalidArgumentError: The model is no BERT, or has too few layers.
    """
    first, following = _first_layers(model, after)
    with torch.random.fork_rng():
        torch.manual_seed(hyperparameters.seed)
        head = ExitHead(following)
    batches = list(_batches(groups, hyperparameters))
    trainer = _Trainer(model, first, head, hyperparameters, steps=len(batches))
    begin = trainer.load(checkpoint)
    console = Console(stderr=True)
    bar = track(
        batches[begin:],
        "Training the early exit",
        console=console,
        disable=not (progress and console.is_terminal),
    )
    for step, batch in enumerate(bar, start=begin + 1):
        trainer.step(batch)
        if step % _EACH_SAVED == 0 or step == len(batches):
            trainer.save(checkpoint, step)
    return head.eval()


class _Trainer:
    """The head, its optimiser, and the frozen layers before it."""

    def __init__(
        self,
        model: CrossEncoder,
        first: Any,
        head: ExitHead,
        hyperparameters: ExitHyperparameters,
        *,
        steps: int,
    ) -> None:
        self._tokenizer: Any = model.tokenizer
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._first, self._head = first.to(self._device), head.to(self._device)
        self._options = hyperparameters
        new = [*head.hidden.parameters(), *head.output.parameters(), head.cosine]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": new, "lr": hyperparameters.head_learning_rate},
                {"params": list(head.layer.parameters()), "lr": hyperparameters.learning_rate},
            ],
            weight_decay=hyperparameters.weight_decay,
        )
        warmup = hyperparameters.warmup_steps
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: min(1, (step + 1) / warmup) * (1 - step / steps)
        )

    def step(self, batch: Sequence[TrainingGroup]) -> None:
        """Train on groups."""
        pairs = [(g.query, text) for g in batch for text in (g.positive, *g.negatives)]
        with torch.autocast(self._device.type, torch.bfloat16):
            logits = self._logits(pairs).float().view(len(batch), -1)
        loss: Any = nn.functional.cross_entropy(logits, torch.zeros_like(logits[:, 0]).long())
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._head.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()

    def save(self, file: Path, step: int) -> None:
        """Keep the state, whole or not at all."""
        part = file.with_suffix(".part")
        state = {"step": step, **{name: held.state_dict() for name, held in self._held().items()}}
        torch.save(state, part)
        part.replace(file)

    def load(self, file: Path) -> int:
        """Take up a state that was kept; returns its step, 0 if there is none."""
        if not file.is_file():
            return 0
        state = torch.load(file, map_location=self._device, weights_only=True)
        for name, held in self._held().items():
            held.load_state_dict(state[name])
        return int(state["step"])

    def _held(self) -> dict[str, Any]:
        return {"head": self._head, "optimizer": self._optimizer, "schedule": self._schedule}

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> Tensor:
        queries, texts = zip(*pairs, strict=True)
        given = self._tokenizer(
            list(queries),
            list(texts),
            padding=True,
            truncation="only_second",
            max_length=self._options.length,
            return_tensors="pt",
        ).to(self._device)
        with torch.no_grad():
            states = self._first(**given).last_hidden_state
        logits: Tensor = self._head(states, given["attention_mask"], given["token_type_ids"])
        return logits


def _first_layers(model: CrossEncoder, after: int) -> tuple[Any, Any]:
    """A copy of the layers before the exit, as a network of their own, and the one that follows."""
    bert, layers = bert_layers(model)
    if not 1 <= after < len(layers):
        msg = (
            f"Expected an early exit after 1 to {len(layers) - 1} layers of "
            f"{type(model.model).__name__}, got {after}."
        )
        raise InvalidArgumentError(msg)
    first = copy.deepcopy(bert)
    first.encoder.layer = first.encoder.layer[:after]
    first.config.num_hidden_layers = after
    return first.eval().requires_grad_(False), layers[after]


def _batches(
    groups: Sequence[TrainingGroup], options: ExitHyperparameters
) -> Iterator[list[TrainingGroup]]:
    """Groups in an order by chance, those of a batch of similar length."""
    rng = random.Random(options.seed)
    drawn = rng.sample(list(groups), min(len(groups), options.most_groups))
    for start in range(0, len(drawn), _CHUNK):
        chunk = sorted(drawn[start : start + _CHUNK], key=_longest)
        size = options.groups_per_step
        batches = [chunk[at : at + size] for at in range(0, len(chunk), size)]
        rng.shuffle(batches)
        yield from batches


def _longest(group: TrainingGroup) -> int:
    return max(map(len, (group.positive, *group.negatives)))

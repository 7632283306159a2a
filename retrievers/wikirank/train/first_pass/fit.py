"""Train a prefilter on training groups, such as those of the cross-encoder."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from wikirank.rank.cascade import sides
from wikirank.runtime.session import Tokens
from wikirank.train.data.groups import TrainingGroup
from wikirank.train.first_pass.network import PrefilterNetwork, prefilter_for

_CHUNK = 2048  # Groups that are sorted by length together, so that batches have little padding.
_STEPS_PER_CHECKPOINT = 100


@dataclass(frozen=True, slots=True)
class PrefilterHyperparameters:
    """Hyperparameters of a prefilter.

    Attributes:
        passages: Maximum number of passages of a group, drawn again in each epoch.
        epochs: Passes over the groups.
        groups_per_step: Groups in one step, 1 or more.
        learning_rate: Highest learning rate.
        warmup_steps: Steps in which the learning rate rises from 0. It then falls to 0 linearly.
        weight_decay: Weight decay of AdamW. It does not apply to word vectors and word weights.
        query_length: Maximum length of a query in training, in tokens; longer ones are truncated.
        passage_length: Maximum length of a passage in training, in tokens; longer ones are
            truncated.
        seed: Seed of the initial weights, the order of the groups and the drawn passages.
    """

    passages: int = 9
    epochs: int = 2
    groups_per_step: int = 32
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.01
    query_length: int = 40
    passage_length: int = 128
    seed: int = 42


class TokenGroup(NamedTuple):
    """Token ids of a group. The first passage is the positive."""

    query: NDArray[np.int32]
    passages: list[NDArray[np.int32]]


def token_groups(
    groups: Iterable[TrainingGroup], tokenizer: Tokenizer, options: PrefilterHyperparameters
) -> list[TokenGroup]:
    """Tokenise each group with the cross-encoder's tokenizer."""
    return [_token_group(group, tokenizer, options) for group in groups]


def _token_group(
    group: TrainingGroup, tokenizer: Tokenizer, options: PrefilterHyperparameters
) -> TokenGroup:
    texts = group.positive, *group.negatives
    encoded = tokenizer.encode_batch([(group.query, text) for text in texts])
    pairs = [sides(Tokens.of(pair)) for pair in encoded]
    return TokenGroup(
        pairs[0][0][: options.query_length].astype(np.int32),
        [passage[: options.passage_length].astype(np.int32) for _, passage in pairs],
    )


def fit_prefilter(
    words: Tensor,
    groups: Sequence[TokenGroup],
    options: PrefilterHyperparameters,
    *,
    checkpoint: Path,
    progress: bool,
) -> PrefilterNetwork:
    """Train a prefilter by softmax cross-entropy of the positive among its negatives.

    Args:
        words: Word embeddings of the cross-encoder, (vocabulary, width), see `prefilter_for`.
        groups: Training groups, all with the same number of passages.
        options: How to train.
        checkpoint: File to save the state to every 100 steps. Training resumes from it.
        progress: Whether to show a progress bar on a terminal.

    Returns:
        The trained prefilter, on the CPU.
    """
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        network = prefilter_for(words)
    batches = list(_batches(groups, options))
    trainer = _Trainer(network, options, steps=len(batches))
    begin = trainer.load(checkpoint)
    console = Console(stderr=True)
    bar = track(
        batches[begin:],
        "Training the prefilter",
        console=console,
        disable=not (progress and console.is_terminal),
    )
    for step, batch in enumerate(bar, start=begin + 1):
        trainer.step(batch)
        if step % _STEPS_PER_CHECKPOINT == 0 or step == len(batches):
            trainer.save(checkpoint, step)
    return network.cpu().eval()


class _Trainer:
    """Trains the network, and saves and loads its state."""

    def __init__(
        self, network: PrefilterNetwork, options: PrefilterHyperparameters, *, steps: int
    ) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.to(self._device).train()
        tables = [network.words.weight, network.log_weights.weight]
        rest = [p for p in network.parameters() if all(p is not table for table in tables)]
        parts: list[dict[str, Any]] = [
            {"params": rest},
            {"params": tables, "weight_decay": 0.0},
        ]
        self._optimizer = torch.optim.AdamW(
            parts,
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        warmup = options.warmup_steps
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: min(1, (step + 1) / warmup) * (1 - step / steps)
        )

    def step(self, batch: Sequence[TokenGroup]) -> None:
        """Take one optimiser step on a batch of groups."""
        queries = [group.query for group in batch for _ in group.passages]
        passages = [passage for group in batch for passage in group.passages]
        (query_ids, query_mask), (passage_ids, passage_mask) = map(
            self._padded, (queries, passages)
        )
        # Plain attention is faster for such short queries.
        plain_attention = sdpa_kernel(SDPBackend.MATH)
        with plain_attention, torch.autocast(self._device.type, torch.bfloat16):
            logits = self._network(query_ids, passage_ids, query_mask, passage_mask)
        logits = logits.float().view(len(batch), -1)
        loss: Any = nn.functional.cross_entropy(logits, torch.zeros_like(logits[:, 0]).long())
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()

    def save(self, file: Path, step: int) -> None:
        """Write the state to a file, whole or not at all."""
        part = file.with_suffix(".part")
        states = {name: component.state_dict() for name, component in self._components().items()}
        torch.save({"step": step, **states}, part)
        part.replace(file)

    def load(self, file: Path) -> int:
        """Load a saved state and return its step. Return 0 if there is none."""
        if not file.is_file():
            return 0
        state = torch.load(file, map_location=self._device, weights_only=True)
        for name, component in self._components().items():
            component.load_state_dict(state[name])
        return int(state["step"])

    def _components(self) -> dict[str, Any]:
        return {"network": self._network, "optimizer": self._optimizer, "schedule": self._schedule}

    def _padded(self, texts: Sequence[NDArray[np.int32]]) -> tuple[Tensor, Tensor]:
        """Return the padded token ids, and a mask that is 0 on padding."""
        ids = np.zeros((len(texts), max(map(len, texts))), dtype=np.int64)
        mask = np.zeros(ids.shape, dtype=np.float32)
        for row, text in enumerate(texts):
            ids[row, : len(text)], mask[row, : len(text)] = text, 1
        return torch.from_numpy(ids).to(self._device), torch.from_numpy(mask).to(self._device)


def _batches(
    groups: Sequence[TokenGroup], options: PrefilterHyperparameters
) -> Iterator[list[TokenGroup]]:
    """Yield batches of groups of similar length, in random order."""
    rng = random.Random(options.seed)
    for _ in range(options.epochs):
        drawn = [
            _sample_passages(group, options.passages, rng)
            for group in rng.sample(groups, len(groups))
        ]
        for start in range(0, len(drawn), _CHUNK):
            chunk = sorted(drawn[start : start + _CHUNK], key=_longest)
            size = options.groups_per_step
            batches = [chunk[index : index + size] for index in range(0, len(chunk), size)]
            rng.shuffle(batches)
            yield from batches


def _sample_passages(group: TokenGroup, n: int, rng: random.Random) -> TokenGroup:
    """Return a group with its positive and at most `n - 1` of its negatives."""
    if n >= len(group.passages):
        return group
    return TokenGroup(group.query, [group.passages[0], *rng.sample(group.passages[1:], n - 1)])


def _longest(group: TokenGroup) -> int:
    return max(map(len, group.passages))

"""Which head, loss, negatives and learning rate: small trainings of equal budget, one table.

Usage: python benchmarks/ablation.py RUN [--groups 2400] [--lists 200] [--only NAME ...]

RUN is the folder of a `wikirank train --recipe wiki` run: its training groups are used, and its
dev lists to compare by (its test lists and all other evaluation data stay untouched). Each variant
sees the same queries and as many passages; the table gives MRR@10 on the lists of people's own
questions (`pairs`) and on made queries, of the cross-encoder alone.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn

from wikirank.train.base import Base, find_base
from wikirank.train.quiet import quiet_transformers
from wikirank.train.wiki import CandidateList, TrainingGroup, read_candidate_lists, read_groups
from wikirank.train.wiki.measure import rank_metrics
from wikirank.train.wiki.model import starting_model
from wikirank.train.wiki.trainer import (
    GroupHyperparameters,
    fit_groups,
    groups_dataset,
    ranking_samples,
)

HARD, SAME, RANDOM = (0, 1), 2, 3
DEPTH = 30
LENGTH = 160


@dataclass(frozen=True)
class Variant:
    """One row: what differs from the first one.

    Attributes:
        head: `pair`, `mean` or `cls`.
        negatives: Which of each group's negatives to train on, by position.
        dropout: Of the encoder.
        headings: Whether texts keep their headings.
        training: Hyper-parameters by name.
        seed: Of the order of the groups and of a new head.
    """

    head: str = "pair"
    negatives: Sequence[int] = (0, RANDOM)
    dropout: float = 0.0
    headings: bool = True
    training: Sequence[tuple[str, Any]] = ()
    seed: int = 1


VARIANTS = {
    "pair head, 1 hard + 1 random, both losses, lr 1e-4": Variant(),
    "the same, seed 2": Variant(seed=2),
    "mean head": Variant(head="mean"),
    "CLS head": Variant(head="cls"),
    "2 hard": Variant(negatives=HARD),
    "1 hard + 1 same article": Variant(negatives=(0, SAME)),
    "2 random": Variant(negatives=(SAME, RANDOM)),
    "softmax alone": Variant(training=(("loss", "listwise"),)),
    "BCE alone": Variant(training=(("loss", "bce"),)),
    "lr 5e-5": Variant(training=(("learning_rate", 5e-5),)),
    "lr 2e-4": Variant(training=(("learning_rate", 2e-4),)),
    "dropout 0.1": Variant(dropout=0.1),
    "without headings": Variant(headings=False),
}


def main() -> None:
    """Train and measure each variant, and print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--groups", type=int, default=2400)
    parser.add_argument("--lists", type=int, default=200)
    parser.add_argument("--only", nargs="*", choices=list(VARIANTS), default=list(VARIANTS))
    given = parser.parse_args()
    data = given.run / "data"
    groups = random.Random(0).sample(list(read_groups(data / "groups.jsonl.gz")), given.groups)
    lists = [_cut(held) for held in read_candidate_lists(data / "dev.jsonl.gz")]
    lists = random.Random(0).sample(lists, given.lists)
    print("| variant | pairs | made | s |\n|---|---|---|---|")
    first = _scores(lists, [np.arange(len(held.candidates), 0, -1.0) for held in lists])
    print(f"| first stage (hybrid) | {first} | |", flush=True)
    for name in given.only:
        started = time.perf_counter()
        scored = _train_and_score(VARIANTS[name], groups, lists)
        seconds = time.perf_counter() - started
        print(f"| {name} | {_scores(lists, scored)} | {seconds:.0f} |", flush=True)


def _train_and_score(
    variant: Variant, groups: list[TrainingGroup], lists: list[CandidateList]
) -> list[np.ndarray]:
    base = find_base()
    model = HEADS[variant.head](base, variant.seed)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = variant.dropout
    kept = [
        replace(
            group,
            positive=_text(group.positive, variant),
            negatives=[_text(group.negatives[at], variant) for at in variant.negatives],
        )
        for group in groups
    ]
    with tempfile.TemporaryDirectory() as scratch:
        fit_groups(
            model,
            groups_dataset(kept),
            ranking_samples(lists[:5]),
            GroupHyperparameters(seed=variant.seed, evaluations=1, **dict(variant.training)),
            checkpoints=Path(scratch),
            progress=False,
        )
    model.max_seq_length = 320
    return [
        np.asarray(
            model.predict(
                [(held.query, _text(text, variant)) for text in held.candidates],
                show_progress_bar=False,
            ),
            dtype=np.float64,
        )
        for held in lists
    ]


def _text(text: str, variant: Variant) -> str:
    return text if variant.headings else text.partition("\n")[2] or text


def _cut(held: CandidateList) -> CandidateList:
    place = held.place if held.place < DEPTH else -1
    return replace(
        held,
        candidates=held.candidates[:DEPTH],
        dense=held.dense[:DEPTH],
        lexical=held.lexical[:DEPTH],
        place=place,
    )


def _scores(lists: list[CandidateList], scores: list[np.ndarray]) -> str:
    cells = []
    for own in (True, False):
        kept = [at for at, held in enumerate(lists) if (held.style == "pair") is own]
        chosen = [lists[at] for at in kept], [scores[at] for at in kept]
        cells.append(f"{rank_metrics(*chosen, chosen[1])['cross-encoder']['mrr@10']:.3f}")
    return " | ".join(cells)


def _pair(base: Base, seed: int) -> CrossEncoder:
    return starting_model(base, seed=seed, max_length=LENGTH)


def _mean(base: Base, seed: int) -> CrossEncoder:
    model = _pair(base, seed)
    width = model[0].get_embedding_dimension()
    return _with_modules(model[0], Pooling(width, "mean"), *_head(width))


def _cls(base: Base, seed: int) -> CrossEncoder:
    model = _pair(base, seed)
    width = model[0].get_embedding_dimension()
    return _with_modules(model[0], Pooling(width, "cls"), *_head(width))


def _head(width: int) -> tuple[Dense, Dense]:
    return (
        Dense(width, width, activation_function=nn.Tanh()),
        Dense(width, 1, activation_function=nn.Identity(), module_output_name="scores"),
    )


def _with_modules(encoder: Transformer, *head: nn.Module) -> CrossEncoder:
    with quiet_transformers():
        model: CrossEncoder = CrossEncoder(
            modules=[encoder, *head], activation_fn=nn.Identity(), device="cpu"
        )
    return model


HEADS: dict[str, Callable[[Base, int], CrossEncoder]] = {"pair": _pair, "mean": _mean, "cls": _cls}


if __name__ == "__main__":
    main()

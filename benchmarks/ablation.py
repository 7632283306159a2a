"""Which head, loss, negatives and learning rate: small trainings of equal budget, one table.

Usage: python benchmarks/ablation.py RUN [--groups 2400] [--lists 100] [--only NAME ...]

RUN is the folder of a `wikirank train --recipe wiki` run: its training groups are used, and its
dev lists to compare by (its test lists and all other evaluation data stay untouched), with those
of search questions that `scripts/bundled_combination.py` adds to them. Each variant sees as many
pairs, and but for the last the same queries; the table gives MRR@10 of the cross-encoder alone on
the lists of each kind of query.
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
import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import nn

from wikirank.train.calibrate.measure import rank_metrics
from wikirank.train.data import CandidateList, TrainingGroup, read_candidate_lists, read_groups
from wikirank.train.fit.base import Base, find_base
from wikirank.train.fit.group_trainer import (
    GroupHyperparameters,
    fit_groups,
    groups_dataset,
    ranking_samples,
)
from wikirank.train.fit.model import starting_model
from wikirank.train.fit.quiet import quiet_transformers

HARD, SAME, RANDOM = (0, 1), 2, 3
DEPTH = 20
LENGTH = 160
LISTS = ("dev.jsonl.gz", "natural-dev.jsonl.gz")
KINDS = {"pair": "people's", "search": "search", "made": "made"}
"""Style of the lists, or `made` for all others, and its heading in the table."""


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
        share: Of the groups to train on.
    """

    head: str = "pair"
    negatives: Sequence[int] = (0, RANDOM)
    dropout: float = 0.0
    headings: bool = True
    training: Sequence[tuple[str, Any]] = ()
    seed: int = 1
    share: float = 1.0


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
    "2 hard + 1 same article + 1 random, 3/5 of the queries": Variant(
        negatives=(*HARD, SAME, RANDOM), share=0.6
    ),
}


def main() -> None:
    """Train and measure each variant, and print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--groups", type=int, default=2400)
    parser.add_argument("--lists", type=int, default=100, help="of each kind")
    parser.add_argument("--only", nargs="*", choices=list(VARIANTS), default=list(VARIANTS))
    given = parser.parse_args()
    data = given.run / "data"
    groups = _groups(data / "groups.jsonl.gz", given.groups)
    lists = _lists(data, given.lists)
    print(f"| variant | {' | '.join(KINDS.values())} | s |\n{'|---' * (len(KINDS) + 2)}|")
    for stage, scores in _first_stages(lists).items():
        print(f"| {stage} | {_scores(lists, scores)} | |", flush=True)
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
        for group in groups[: round(len(groups) * variant.share)]
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
    with torch.autocast(model.device.type, torch.bfloat16):
        return [
            model.predict(
                [(held.query, _text(text, variant)) for text in held.candidates],
                show_progress_bar=False,
            ).astype(np.float64)
            for held in lists
        ]


def _groups(path: Path, n: int) -> list[TrainingGroup]:
    """Some of a run's groups, each with a negative more: some passage of another group."""
    draw = random.Random(0)
    groups = draw.sample(list(read_groups(path)), n)
    return [
        replace(group, negatives=[*group.negatives[:RANDOM], draw.choice(groups).positive])
        for group in groups
    ]


def _lists(data: Path, n: int) -> list[CandidateList]:
    """As many lists of each kind."""
    held = [
        _cut(held)
        for name in LISTS
        if (data / name).is_file()
        for held in read_candidate_lists(data / name)
    ]
    kinds = {kind: [one for one in held if _kind(one) == kind] for kind in KINDS}
    return [one for of in kinds.values() for one in random.Random(0).sample(of, min(n, len(of)))]


def _kind(held: CandidateList) -> str:
    return held.style if held.style in KINDS else "made"


def _first_stages(lists: list[CandidateList]) -> dict[str, list[np.ndarray]]:
    hybrid = [np.arange(len(held.candidates), 0, -1.0) for held in lists]
    dense = [np.array([s if s is not None else -1.0 for s in held.dense]) for held in lists]
    lexical = [np.array([s if s is not None else -1.0 for s in held.lexical]) for held in lists]
    return {"BM25": lexical, "dense": dense, "hybrid": hybrid}


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
    for kind in KINDS:
        kept = [at for at, held in enumerate(lists) if _kind(held) == kind]
        if not kept:
            cells.append("–")
            continue
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

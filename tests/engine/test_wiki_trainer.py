"""Training on groups, for real: a few steps on a tiny task, stopped, resumed, best kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from wikirank.train.wiki import CandidateList, TrainingGroup

pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = [pytest.mark.train, pytest.mark.slow]

COLOURS = ["red", "green", "blue", "white", "black", "brown", "pink", "grey"]
ANIMALS = ["fox", "frog", "whale", "goose", "crow", "bear", "flamingo", "wolf"]


def passage(animal: str, colour: str) -> str:
    return f"The {animal} of the northern forest is {colour}."


def groups() -> list[TrainingGroup]:
    """Which colour is the animal? The passage on it against three on other animals."""
    asked = list(zip(ANIMALS, COLOURS, strict=True))
    texts = [passage(*pair) for pair in asked] * 2
    return [
        TrainingGroup(f"Which colour is the {animal}?", texts[at], texts[at + 1 : at + 4], "pair")
        for at, (animal, _) in enumerate(asked)
    ]


def held_out(trained: list[TrainingGroup]) -> list[CandidateList]:
    """The same questions, the answer last; and one whose answer the first stage missed."""
    lists = [
        CandidateList(group.query, "pair", group.positive, [*group.negatives, group.positive], 3)
        for group in trained
    ]
    missed = CandidateList("Which colour is the owl?", "pair", "White.", lists[0].candidates, -1)
    return [*lists, missed]


def test_training_learns_keeps_the_best_and_resumes(minilm: Path, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    from wikirank.train.base import find_base
    from wikirank.train.wiki.model import starting_model
    from wikirank.train.wiki.trainer import (
        GroupHyperparameters,
        fit_groups,
        groups_dataset,
        ranking_samples,
    )

    trained = groups()
    data, dev = groups_dataset(trained), ranking_samples(held_out(trained))

    def start() -> CrossEncoder:
        return starting_model(find_base(str(minilm)), seed=7, max_length=64)

    settings = GroupHyperparameters(epochs=8, groups_per_step=8, evaluations=2, seed=1)
    model = start()
    fit = fit_groups(model, data, dev, settings, checkpoints=tmp_path, progress=False)
    ndcg = [epoch.metrics["dev_ndcg@10"] for epoch in fit.epochs]
    assert [epoch.step for epoch in fit.epochs] == [4, 8]
    assert max(ndcg) > ndcg[0] or ndcg[0] == pytest.approx(8 / 9)
    # The ninth positive was missed by the first stage, so it counts 0 however it is scored.
    assert max(ndcg) <= 8 / 9 + 1e-9
    texts = [trained[0].positive, *trained[0].negatives]
    best = model.predict([(trained[0].query, text) for text in texts])
    assert best[0] == max(best)

    again = fit_groups(start(), data, dev, settings, checkpoints=tmp_path, progress=False)
    assert again.resumed
    assert [epoch.metrics for epoch in again.epochs] == [epoch.metrics for epoch in fit.epochs]

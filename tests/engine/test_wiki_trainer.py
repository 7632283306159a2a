"""Training on groups, for real: a few steps on a tiny task, stopped, resumed, best kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = [pytest.mark.train, pytest.mark.slow]

COLOURS = ["red", "green", "blue", "white", "black", "brown", "pink", "grey"]
ANIMALS = ["fox", "frog", "whale", "goose", "crow", "bear", "flamingo", "wolf"]


def passage(animal: str, colour: str) -> str:
    return f"The {animal} of the northern forest is {colour}."


def groups() -> dict[str, list[Any]]:
    """Which colour is the animal? The passage on it against three on other animals."""
    asked = list(zip(ANIMALS, COLOURS, strict=True))
    docs = [
        [passage(*asked[(number + step) % 8]) for step in range(4)] for number in range(len(asked))
    ]
    return {
        "query": [f"Which colour is the {animal}?" for animal, _ in asked],
        "docs": docs,
        "labels": [[1, 0, 0, 0]] * len(asked),
    }


def test_training_learns_keeps_the_best_and_resumes(minilm: Path, tmp_path: Path) -> None:
    from datasets import Dataset
    from sentence_transformers import CrossEncoder

    from wikirank.train.base import find_base
    from wikirank.train.wiki.model import starting_model
    from wikirank.train.wiki.trainer import GroupHyperparameters, RankingSample, fit_groups

    data = groups()
    dev = [
        RankingSample(query, docs[:1], docs[::-1])
        for query, docs in zip(data["query"], data["docs"], strict=True)
    ]
    dev.append(RankingSample("Which colour is the owl?", ["The owl is white."], data["docs"][0]))

    def start() -> CrossEncoder:
        return starting_model(find_base(str(minilm)), seed=7, max_length=64)

    settings = GroupHyperparameters(epochs=8, groups_per_step=8, evaluations=2, seed=1)
    model = start()
    fit = fit_groups(
        model, Dataset.from_dict(data), dev, settings, checkpoints=tmp_path, progress=False
    )
    ndcg = [epoch.metrics["dev_ndcg@10"] for epoch in fit.epochs]
    assert [epoch.step for epoch in fit.epochs] == [4, 8]
    assert max(ndcg) > ndcg[0] or ndcg[0] == pytest.approx(8 / 9)
    # The ninth positive was missed by the first stage, so it counts 0 however it is scored.
    assert max(ndcg) <= 8 / 9 + 1e-9
    best = model.predict([(data["query"][0], text) for text in data["docs"][0]])
    assert best[0] == max(best)

    again = fit_groups(
        start(), Dataset.from_dict(data), dev, settings, checkpoints=tmp_path, progress=False
    )
    assert again.resumed
    assert [epoch.metrics for epoch in again.epochs] == [epoch.metrics for epoch in fit.epochs]

"""Real training on groups: a few steps on a tiny task, stopped, resumed, best kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from wikirank.errors import InvalidArgumentError
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.runtime.calibration import Calibration
from wikirank.train.data import CandidateList, TrainingGroup

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from wikirank.train.fit.history import Fit

pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = [pytest.mark.train, pytest.mark.slow]

COLOURS = ["red", "green", "blue", "white", "black", "brown", "pink", "grey"]
ANIMALS = ["fox", "frog", "whale", "goose", "crow", "bear", "flamingo", "wolf"]


def passage(animal: str, colour: str) -> str:
    return f"The {animal} of the northern forest is {colour}."


def groups() -> list[TrainingGroup]:
    """Questions on animals' colours; the right passage against three on other animals."""
    asked = list(zip(ANIMALS, COLOURS, strict=True))
    texts = [passage(*pair) for pair in asked] * 2
    return [
        TrainingGroup(
            f"Which colour is the {animal}?", texts[index], texts[index + 1 : index + 4], "pair"
        )
        for index, (animal, _) in enumerate(asked)
    ]


def a_list(query: str, positive: str, candidates: list[str], place: int) -> CandidateList:
    unknown = [None] * len(candidates)
    return CandidateList(query, "pair", positive, candidates, place, [*unknown], [*unknown])


def held_out(trained: list[TrainingGroup]) -> list[CandidateList]:
    """The same questions with the answer last, and one whose answer retrieval missed."""
    lists = [
        a_list(group.query, group.positive, [*group.negatives, group.positive], 3)
        for group in trained
    ]
    return [*lists, a_list("Which colour is the owl?", "White.", lists[0].candidates, -1)]


def train(
    minilm: Path,
    checkpoints: Path,
    scores: list[list[float]] | None = None,
    *,
    progress: bool = False,
    **settings: Any,
) -> tuple[CrossEncoder, Fit]:
    """Train MiniLM on the groups, eight per step."""
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.group_trainer import (
        GroupHyperparameters,
        fit_groups,
        groups_dataset,
        ranking_samples,
    )
    from wikirank.train.fit.model import starting_model

    trained = groups()
    model = starting_model(find_base(str(minilm)), seed=7, max_length=64)
    fit = fit_groups(
        model,
        groups_dataset(trained, scores),
        ranking_samples(held_out(trained)),
        GroupHyperparameters(**settings),
        checkpoints=checkpoints,
        progress=progress,
    )
    return model, fit


def test_training_learns_keeps_the_best_and_resumes(minilm: Path, tmp_path: Path) -> None:
    settings = {"epochs": 8, "evaluations": 2, "seed": 1}
    model, fit = train(minilm, tmp_path, **settings)
    assert fit.losses[-1][1] < 0.9 * fit.losses[0][1]
    ndcg = [epoch.metrics["dev_ndcg@10"] for epoch in fit.epochs]
    assert [epoch.step for epoch in fit.epochs] == [4, 8]
    assert max(ndcg) > ndcg[0] or ndcg[0] == pytest.approx(8 / 9)
    # First-stage retrieval missed the ninth positive, so it counts 0 whatever its score.
    assert max(ndcg) <= 8 / 9 + 1e-9
    group = groups()[0]
    best = model.predict([(group.query, text) for text in (group.positive, *group.negatives)])
    assert best[0] == max(best)

    _, again = train(minilm, tmp_path, **settings)
    assert again.resumed
    assert [epoch.metrics for epoch in again.epochs] == [epoch.metrics for epoch in fit.epochs]
    assert again.losses == fit.losses


def test_every_step_is_logged_and_every_evaluation_shown(
    minilm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nine steps with an evaluation every four, and one at the end outside the interval."""
    settings = {"epochs": 3, "groups_per_step": 3, "evaluations": 2, "patience": 9}
    _, fit = train(minilm, tmp_path, progress=True, **settings)
    steps, losses = zip(*fit.losses, strict=True)
    assert steps == tuple(range(1, 10))
    assert [epoch.step for epoch in fit.epochs] == [4, 8, 9]
    means = [np.mean(losses[:4]), np.mean(losses[4:8]), losses[8]]
    assert [epoch.loss for epoch in fit.epochs] == pytest.approx(means)

    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [
        f"step {step}: loss {losses[step - 1]:.4f}, dev nDCG@10 {metrics['dev_ndcg@10']:.4f}\n"
        for step, metrics in ((epoch.step, epoch.metrics) for epoch in fit.epochs)
    ]
    assert [line for line in lines if line not in shown.err] == []
    bar = shown.err.rpartition("\r")[2]
    assert "9/9 [" in bar
    last = fit.epochs[-1].metrics["dev_ndcg@10"]
    assert f"loss={losses[-1]:.4f}, dev nDCG@10={last:.4f}" in bar
    assert "Writing model shards" not in shown.err


@pytest.mark.parametrize("loss", ["listwise", "bce"])
def test_each_other_loss_falls(loss: str, minilm: Path, tmp_path: Path) -> None:
    _, fit = train(
        minilm,
        tmp_path,
        epochs=5,
        evaluations=1,
        loss=loss,
        learning_rate=3e-5,
        head_learning_rate=1e-4,
    )
    assert fit.losses[-1][1] < 0.9 * fit.losses[0][1]


def test_distillation_follows_the_teacher_not_the_labels(minilm: Path, tmp_path: Path) -> None:
    """The teacher prefers the second negative, and the labels have no weight."""
    scores = [[-2.0, -2.0, 4.0, -2.0]] * len(groups())
    model, fit = train(
        minilm, tmp_path, scores, epochs=8, evaluations=1, loss="distillation", bce_weight=0.0
    )
    assert fit.losses[-1][1] < fit.losses[0][1] / 2
    tops = [
        int(np.argmax(model.predict([(g.query, text) for text in (g.positive, *g.negatives)])))
        for g in groups()
    ]
    assert tops.count(2) > tops.count(0)


def test_a_model_trained_under_autocast_is_exported_in_full(minilm: Path, tmp_path: Path) -> None:
    from wikirank.train.export.int8 import export_cross_encoder

    model, _ = train(minilm, tmp_path / "checkpoints", epochs=1, evaluations=1, bf16=True)
    exported = export_cross_encoder(
        model,
        tmp_path / "onnx",
        model_id="test/autocast",
        prepend_heading=True,
        calibration=Calibration(),
        max_length=64,
    )
    group = groups()[0]
    texts = [group.positive, *group.negatives]
    expected = model.predict([(group.query, text) for text in texts])
    shipped = score_passages(load_cross_encoder(exported.path), group.query, texts)
    assert np.abs(shipped - expected).max() < 0.5


def test_settings_that_do_not_go_together(
    minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidArgumentError, match="Expected a column 'scores'"):
        train(minilm, tmp_path, loss="distillation")
    with pytest.raises(InvalidArgumentError, match="Expected a column 'scores'"):
        train(minilm, tmp_path, [[1.0, 0.0, 0.0, 0.0]] * 8)
    with pytest.raises(InvalidArgumentError, match="listwise, bce, distillation, got 'mse'"):
        train(minilm, tmp_path, loss="mse")
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(InvalidArgumentError, match="multiple of the 3 processes, got 8"):
        train(minilm, tmp_path)


def train_with_others(minilm: Path, out: Path, settings: dict[str, Any]) -> None:
    """Train in each of several processes."""
    from wikirank.train.fit.processes import main_process_first

    with main_process_first() as is_main:
        assert is_main != (out / "first").exists()
        (out / "first").touch()
    _, fit = train(minilm, out / "checkpoints", **settings)
    with main_process_first() as is_main:
        if is_main:
            (out / "losses.json").write_text(json.dumps(fit.losses))


# Like `torchrun --nproc_per_node 2`, but forked, so that torch is not imported again.
LAUNCH = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import sentence_transformers
from test_wiki_trainer import train_with_others
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
config = LaunchConfig(
    1, 1, 2, start_method="fork", rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0
)
elastic_launch(config, train_with_others)(Path({minilm!r}), Path({out!r}), {settings})
"""


def test_two_processes_train_as_one_does(minilm: Path, tmp_path: Path) -> None:
    settings = {"epochs": 2, "evaluations": 1, "bf16": False}
    tests = str(Path(__file__).parent)
    script = LAUNCH.format(tests=tests, out=str(tmp_path), minilm=str(minilm), settings=settings)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    _, alone = train(minilm, tmp_path / "alone", **settings)
    together = json.loads((tmp_path / "losses.json").read_text("utf-8"))
    assert [step for step, _ in together] == [step for step, _ in alone.losses]
    assert np.array(together)[:, 1] == pytest.approx(np.array(alone.losses)[:, 1], rel=1e-3)

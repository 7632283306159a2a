"""Plots of a training run: reproducible SVG files with the right content."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from wikirank.errors import InvalidArgumentError
from wikirank.train.fit.history import EpochRecord, Fit, epoch_records
from wikirank.train.plots import plot_calibration, plot_training


def circles(file: Path, style: str) -> list[tuple[float, float]]:
    """Return the centres of a kind of circles, from left to right."""
    return sorted(
        (float(one.attrib["cx"]), float(one.attrib["cy"]))
        for one in ET.parse(file).iter("{http://www.w3.org/2000/svg}circle")
        if one.attrib["class"] == style
    )


def a_fit(ndcg: list[float], **first_stage: float) -> Fit:
    epochs = [
        EpochRecord(number / len(ndcg), 10 * number, 1.0, {"dev_ndcg@10": value, **first_stage})
        for number, value in enumerate(ndcg, start=1)
    ]
    return Fit(epochs, [(step, 2 / step) for step in range(10, 31)], 1.0, False)


@pytest.mark.parametrize(
    ("ndcg", "best"), [([0.8, 0.5, 0.5], 0), ([0.5, 0.5, 0.8], 2), ([0.5, 0.7, 0.7], 1)]
)
def test_training_plot_marks_the_checkpoint_that_was_kept(
    ndcg: list[float], best: int, tmp_path: Path
) -> None:
    file = tmp_path / "training.svg"
    plot_training(a_fit(ndcg), file, metric="dev_ndcg@10")
    dots = circles(file, "dot")
    assert circles(file, "kept") == [dots[best]]
    assert dots[best][1] == min(y for _, y in dots)
    text = file.read_text("utf-8")
    assert f"kept: {ndcg[best]:.4f}, at step {10 * (best + 1)}" in text
    for shown in ("training loss", "dev nDCG@10", "polyline"):
        assert shown in text
    assert "first stage" not in text


def test_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.svg", "two.svg", "three.svg")]
    for file in files[:2]:
        plot_training(a_fit([0.5, 0.6]), file, metric="dev_ndcg@10")
    fit = a_fit([0.5, 0.6], **{"dev_base_ndcg@10": 0.55})
    plot_training(fit, files[2], metric="dev_ndcg@10")
    one, two, with_first_stage = (file.read_bytes() for file in files)
    assert one == two
    assert b"first stage: 0.5500" in with_first_stage


def test_a_training_of_one_evaluation_has_a_plot(tmp_path: Path) -> None:
    file = tmp_path / "training.svg"
    plot_training(
        Fit([EpochRecord(1, 5, 0.0, {"dev_map": 1.0})], [], 1.0, False), file, metric="dev_map"
    )
    assert circles(file, "kept") == circles(file, "dot") != []


def test_calibration_plot_has_a_dot_where_the_share_is(tmp_path: Path) -> None:
    """One bin of score 0.95 with a fifth relevant: low at the right; then calibrated."""
    relevant = np.arange(100) % 5 == 0
    file = tmp_path / "calibration.svg"
    plot_calibration(np.full(100, 0.95), np.full(100, 0.2), relevant, file)
    (before_x, before_y), (after_x, after_y) = circles(file, "dot")
    assert before_y == after_y  # both shares are 0.2
    assert before_x == pytest.approx(60 + 0.95 * 300)
    assert after_x == pytest.approx(440 + 0.2 * 300)
    text = file.read_text("utf-8")
    assert "plain sigmoid: expected calibration error 0.750" in text
    assert "scale and shift: expected calibration error 0.000" in text
    assert text.count("<title>100 passages</title>") == 2
    plot_calibration(np.full(100, 0.95), np.full(100, 0.2), relevant, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == file.read_bytes()


def test_calibration_plot_takes_no_logits(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="not logits"):
        plot_calibration([3.0], [0.5], [True], tmp_path / "calibration.svg")


def test_losses_between_evaluations_by_hand() -> None:
    history = [
        {"step": 2, "epoch": 0.2, "loss": 1.0},
        {"step": 4, "epoch": 0.4, "loss": 0.5},
        {"step": 5, "epoch": 0.5, "loss": 0.2},
        {"step": 5, "epoch": 0.5, "eval_dev_ndcg@10": 0.7, "eval_runtime": 1.0},
        {"step": 7, "epoch": 0.7, "loss": 0.3},
        {"step": 7, "epoch": 0.7, "eval_dev_ndcg@10": 0.8},
        {"step": 7, "epoch": 0.7, "train_loss": 9.0},
    ]
    first, last = epoch_records(history, "dev")
    assert first == EpochRecord(0.5, 5, pytest.approx(0.64), {"dev_ndcg@10": 0.7})
    assert last == EpochRecord(0.7, 7, pytest.approx(0.3), {"dev_ndcg@10": 0.8})
    fit = Fit.of(history, "dev", seconds=1.0, resumed=False)
    assert fit.losses == [(2, 1.0), (4, 0.5), (5, 0.2), (7, 0.3)]
    assert fit.epochs == [first, last]

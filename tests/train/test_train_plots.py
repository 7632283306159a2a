"""Plots of a training run: real PNG files, the same each time, that show what they should."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from wikirank.errors import InvalidArgumentError
from wikirank.train.fit.history import EpochRecord

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("matplotlib", reason="needs the [train] extra")

from wikirank.train.fit.history import Fit, epoch_records
from wikirank.train.plots import plot_calibration, plot_training

pytestmark = pytest.mark.train

ORANGE = (0xD5, 0x5E, 0x00)


def pixels(path: Path) -> np.ndarray:
    """The picture: (height, width, 3), as whole numbers up to 255."""
    from matplotlib.image import imread

    picture: np.ndarray = np.rint(imread(path)[:, :, :3] * 255).astype(int)
    return picture


def places(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Row and column of each pixel of a colour: (n, 2)."""
    return np.argwhere((picture == colour).all(axis=2))


def a_fit(ndcg: list[float], **first_stage: float) -> Fit:
    epochs = [
        EpochRecord(number / len(ndcg), 10 * number, 1.0, {"dev_ndcg@10": value, **first_stage})
        for number, value in enumerate(ndcg, start=1)
    ]
    return Fit(epochs, [(step, 2 / step) for step in range(10, 31)], 1.0, False)


@pytest.mark.parametrize(("ndcg", "is_last"), [([0.8, 0.5, 0.5], False), ([0.5, 0.5, 0.8], True)])
def test_training_plot_marks_the_checkpoint_that_was_kept(
    ndcg: list[float], is_last: bool, tmp_path: Path
) -> None:
    plot_training(a_fit(ndcg), tmp_path / "training.png", metric="dev_ndcg@10")
    picture = pixels(tmp_path / "training.png")
    height, width, _ = picture.shape
    assert min(height, width) > 600
    stars = places(picture, ORANGE)  # one on the curve of the lower half, one in its legend
    assert stars[:, 0].min() > 0.4 * height
    assert (stars[:, 1].max() > 0.9 * width) == is_last


def test_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / "one.png", tmp_path / "two.png", tmp_path / "three.png"]
    for file in files[:2]:
        plot_training(a_fit([0.5, 0.6]), file, metric="dev_ndcg@10")
    fit = a_fit([0.5, 0.6], **{"dev_base_ndcg@10": 0.55})
    plot_training(fit, files[2], metric="dev_ndcg@10")
    one, two, with_first_stage = (file.read_bytes() for file in files)
    assert one.startswith(b"\x89PNG")
    assert one == two != with_first_stage
    assert b"tEXt" not in one
    assert "matplotlib.pyplot" not in sys.modules


def test_calibration_plot_has_a_dot_where_the_share_is(tmp_path: Path) -> None:
    """One bin of score 0.95, of which a fifth is relevant: low at the right; then calibrated."""
    relevant = np.arange(100) % 5 == 0
    file = tmp_path / "calibration.png"
    plot_calibration(np.full(100, 0.95), np.full(100, 0.2), relevant, file)
    picture = pixels(file)
    dots = places(picture, ORANGE)
    half = picture.shape[1] / 2
    before, after = dots[dots[:, 1] < half], dots[dots[:, 1] > half]
    # The legend's dots are at the upper left of both; those of the bins are the lowest.
    bottom = [side[side[:, 0] > side[:, 0].max() - 8] for side in (before, after)]
    assert abs(bottom[0][:, 0].max() - bottom[1][:, 0].max()) <= 1  # both shares are 0.2
    assert bottom[0][:, 1].mean() > 0.8 * half
    assert bottom[1][:, 1].mean() < 1.4 * half
    plot_calibration(np.full(100, 0.95), np.full(100, 0.2), relevant, tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == file.read_bytes()


def test_calibration_plot_takes_no_logits(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="not logits"):
        plot_calibration([3.0], [0.5], [True], tmp_path / "calibration.png")


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

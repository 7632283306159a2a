"""Plots of a training run, as PNG beside the model: its course, and its calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from wikirank.metrics.calibration import (
    BINS,
    ReliabilityBin,
    expected_calibration_error,
    reliability_bins,
)

if TYPE_CHECKING:
    from wikirank.train.fit.history import Fit

# Of Okabe and Ito's colours, which all kinds of eyes tell apart.
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"
_SIZE = 11
_DPI = 120


def plot_training(fit: Fit, path: Path, *, metric: str) -> None:
    """Draw training loss and dev metric over steps, with the checkpoint that was kept.

    Args:
        fit: What the trainer did; at least one evaluation.
        path: Where to write the PNG; the same fit gives the same file.
        metric: Which of the evaluations' metrics, such as `dev_ndcg@10`. The first stage's is drawn
            too if the evaluations have it.
    """
    figure = _figure(8, 7)
    above, below = figure.subplots(2, 1, sharex=True)
    steps, losses = zip(*fit.losses, strict=True)
    above.plot(steps, losses, color=_BLUE, linewidth=1.5)
    _label(above, "", "training loss")
    above.set_ylim(bottom=0)
    # As the trainer chooses: the first of equals.
    best = max(fit.epochs, key=lambda epoch: epoch.metrics[metric])
    values = [epoch.metrics[metric] for epoch in fit.epochs]
    below.plot([e.step for e in fit.epochs], values, "o-", color=_BLUE, label="reranked")
    below.plot(
        best.step,
        best.metrics[metric],
        "*",
        color=_ORANGE,
        markersize=18,
        label=f"kept: {best.metrics[metric]:.4f}",
    )
    part, _, name = metric.rpartition("_")
    first_stage = best.metrics.get(f"{part}_base_{name}")
    if first_stage is not None:
        below.axhline(
            first_stage, color=_GREY, linestyle="--", label=f"first stage: {first_stage:.4f}"
        )
    _label(below, "step", f"{part} {name.replace('ndcg', 'nDCG')}")
    below.legend(fontsize=_SIZE)
    _save(figure, path)


def plot_calibration(
    before: ArrayLike, after: ArrayLike, relevant: ArrayLike, path: Path, *, bins: int = BINS
) -> None:
    """Draw reliability diagrams of the plain sigmoid and of the fitted one, side by side.

    Args:
        before: Relevance scores by the plain sigmoid of the logits, shape (n,), n at least 1.
        after: The same pairs' scores with scale and shift.
        relevant: Whether each passage is relevant, shape (n,).
        path: Where to write the PNG; the same scores give the same file.
        bins: How many bins, 1 or more.

    Raises:
        InvalidArgumentError: As `reliability_bins`.
    """
    figure = _figure(10, 6.5)
    above, below = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[3, 1])
    named = (("plain sigmoid", before), ("scale and shift (Platt)", after))
    for diagram, counts, (name, scores) in zip(above, below, named, strict=True):
        error = expected_calibration_error(scores, relevant, bins=bins)
        filled = reliability_bins(scores, relevant, bins=bins)
        _reliability(diagram, filled)
        diagram.set_title(f"{name}\nexpected calibration error {error:.3f}", fontsize=_SIZE + 2)
        counts.bar(
            [bin_.low for bin_ in filled],
            [bin_.count for bin_ in filled],
            width=[bin_.high - bin_.low for bin_ in filled],
            align="edge",
            color=_BLUE,
            edgecolor="white",
        )
        counts.set_yscale("log")
        counts.set_ylim(bottom=0.8)  # a single passage shows
        _label(counts, "relevance score", "")
    _label(above[0], "", "share relevant")
    _label(below[0], "relevance score", "passages")
    _save(figure, path)


def _reliability(axes: Any, filled: Sequence[ReliabilityBin]) -> None:
    """The diagonal is calibrated; the larger a dot, the more passages it stands for."""
    most = max(bin_.count for bin_ in filled)
    scores = [bin_.mean_score for bin_ in filled]
    shares = [bin_.share_relevant for bin_ in filled]
    axes.plot([0, 1], [0, 1], "--", color=_GREY, label="calibrated")
    axes.plot(scores, shares, color=_BLUE, linewidth=1.5)
    sizes = [30 + 220 * math.sqrt(bin_.count / most) for bin_ in filled]
    axes.scatter(scores, shares, s=sizes, color=_ORANGE, zorder=3, label="bin of passages")
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.legend(fontsize=_SIZE, loc="upper left", markerscale=0.6)
    _label(axes, "", "")


def _figure(width: float, height: float) -> Any:
    """A figure of its own, that pyplot knows nothing of."""
    figure: Any = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _label(axes: Any, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=_SIZE)
    axes.set_ylabel(y, fontsize=_SIZE)
    axes.tick_params(labelsize=_SIZE - 1)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)


def _save(figure: Any, path: Path) -> None:
    # Without the version of matplotlib in it, as without the time.
    figure.savefig(path, format="png", metadata={"Software": None})

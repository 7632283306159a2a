"""Draw a training run and its calibration as SVG files beside the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from wikirank.metrics.calibration import (
    BINS,
    ReliabilityBin,
    expected_calibration_error,
    reliability_bins,
)
from wikirank.metrics.plots import STYLE, Frame, dot, rectangle, reliability, svg, text

if TYPE_CHECKING:
    from wikirank.train.fit.history import Fit


def plot_training(fit: Fit, path: Path, *, metric: str) -> None:
    """Draw training loss and dev metric over steps, and mark the checkpoint that was kept.

    Args:
        fit: The training run, with at least one evaluation.
        path: SVG file to write. The same fit gives the same file.
        metric: Name of a metric of the evaluations, such as `dev_ndcg@10`. The first stage's value
            is drawn as well if the evaluations have it.
    """
    # The trainer keeps the first of equally good checkpoints, and so does `max`.
    best = max(fit.epochs, key=lambda epoch: epoch.metrics[metric])
    kept = best.metrics[metric]
    part, _, name = metric.rpartition("_")
    first_stage = best.metrics.get(f"{part}_base_{name}", kept)
    values = [(epoch.step, epoch.metrics[metric]) for epoch in fit.epochs]
    last = max(step for step, _ in [*fit.losses, *values])
    loss_frame = _frame(last, [0, *(loss for _, loss in fit.losses)], top=14)
    metric_frame = _frame(last, [first_stage, *(value for _, value in values)], top=270)
    legend = f"● kept: {kept:.4f}, at step {best.step}"
    if first_stage != kept:
        legend += f"   - - first stage: {first_stage:.4f}"
    parts = [
        *loss_frame.axes(_marks(loss_frame.x), _marks(loss_frame.y), "", "training loss"),
        loss_frame.curve(fit.losses),
        *metric_frame.axes(
            _marks(metric_frame.x),
            _marks(metric_frame.y),
            "step",
            f"{part} {name.replace('ndcg', 'nDCG')}",
        ),
        metric_frame.guide((0, first_stage), (last, first_stage)),
        metric_frame.curve(values),
        *(dot(metric_frame.place(*point), f"step {point[0]}: {point[1]:.4f}") for point in values),
        dot(metric_frame.place(best.step, kept), f"kept: {kept:.4f}", 8, style="kept"),
        text(metric_frame.left, metric_frame.top - 10, legend, "start"),
    ]
    _save(path, svg(760, 520, parts, "training"))


def plot_calibration(
    before: ArrayLike, after: ArrayLike, relevant: ArrayLike, path: Path, *, bins: int = BINS
) -> None:
    """Draw the reliability diagrams of the plain and the fitted sigmoid side by side.

    Args:
        before: Plain sigmoid of the logits, shape (n,), n at least 1.
        after: Relevance scores of the same pairs with scale and shift, shape (n,).
        relevant: Whether each passage is relevant, shape (n,).
        path: SVG file to write. The same scores give the same file.
        bins: Number of bins, 1 or more.

    Raises:
        InvalidArgumentError: If `reliability_bins` rejects the scores or the number of bins.
    """
    parts: list[str] = []
    for left, name, scores in ((60, "plain sigmoid", before), (440, "scale and shift", after)):
        error = expected_calibration_error(scores, relevant, bins=bins)
        filled = reliability_bins(scores, relevant, bins=bins)
        title = f"{name}: expected calibration error {error:.3f}"
        parts.append(text(left, 18, title, "start"))
        diagram = Frame((0, 1), (0, 1), width=300, height=300, left=left, top=36)
        parts += [*reliability(diagram, filled), *_counts(filled, left)]
    _save(path, svg(760, 530, parts, "calibration"))


def _counts(filled: Sequence[ReliabilityBin], left: float) -> list[str]:
    """Draw the number of passages of each bin, on a log scale so that a single one is visible."""
    powers = math.ceil(math.log10(max(bin_.count for bin_ in filled) + 1))
    frame = Frame((0, 1), (-0.1, powers), width=300, height=80, left=left, top=400)
    marks = {float(power): f"{10**power:,}" for power in range(powers + 1)}
    parts = frame.axes({0: "0", 0.5: "0.5", 1: "1"}, marks, "relevance score", "")
    for bin_ in filled:
        x, y = frame.place(bin_.low, math.log10(bin_.count))
        width = (bin_.high - bin_.low) * frame.width
        parts.append(rectangle(x, y, width - 1, frame.bottom - y, f"{bin_.count:,} passages"))
    return parts


def _frame(steps: float, values: Sequence[float], *, top: float) -> Frame:
    """Return axes over steps that fit the values."""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.05, high + 0.05
    return Frame((0, steps), (low, high), width=660, height=200, left=80, top=top)


def _marks(ends: tuple[float, float]) -> dict[float, str]:
    values = [ends[0] + share * (ends[1] - ends[0]) for share in (0, 0.25, 0.5, 0.75, 1)]
    return {value: f"{value:.4g}" for value in values}


def _save(path: Path, drawn: str) -> None:
    # A white background, because the text is dark and the viewer may be dark too.
    paper = f"<style>svg {{ background: #fff; }}{STYLE}</style>"
    path.write_text(drawn.replace(">", f">{paper}", 1), "utf-8")

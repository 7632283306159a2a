from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.metrics.calibration import expected_calibration_error
from wikirank.train.calibrate.platt import fit_calibration, threshold_for_precision


def test_two_scores_by_hand() -> None:
    # At logit 1 three of four are relevant, at -1 one of four: with n+ = n- = 4 the targets are
    # 5/6 and 1/6, so the means to be met are (3 * 5/6 + 1/6) / 4 = 2/3 and 1/3.
    fitted = fit_calibration([1, 1, 1, 1, -1, -1, -1, -1], [1, 1, 1, 0, 1, 0, 0, 0])
    assert fitted.scale == pytest.approx(math.log(2), abs=1e-6)
    assert fitted.shift == pytest.approx(0, abs=1e-6)
    assert fitted.relevance([1.0])[0] == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.3, -2.0), (4.0, 9.0), (0.01, -3.0)])
def test_recovers_what_made_the_labels(scale: float, shift: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(loc=-shift / scale, scale=2 / scale, size=60_000)
    relevant = rng.random(60_000) < 1 / (1 + np.exp(-(scale * logits + shift)))
    fitted = fit_calibration(logits, relevant)
    assert fitted.scale == pytest.approx(scale, rel=0.03)
    assert fitted.shift == pytest.approx(shift, rel=0.05, abs=0.05)
    assert expected_calibration_error(fitted.relevance(logits), relevant) < 0.01


def test_separable_scores_stay_finite() -> None:
    fitted = fit_calibration([5.0, 6.0, -5.0, -6.0], [True, True, False, False])
    assert 0 < fitted.scale < 10
    # Two of each, so no probability can exceed the smoothed target 3/4.
    assert fitted.relevance([5.5])[0] == pytest.approx(3 / 4, abs=0.02)


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 50), st.floats(-100, 100))
def test_probabilities_do_not_depend_on_the_scale_of_logits(
    seed: int, factor: float, offset: float
) -> None:
    rng = np.random.default_rng(seed)
    relevant = np.arange(40) % 4 == 0
    logits = rng.normal(size=40) + 2 * relevant
    plain = fit_calibration(logits, relevant).relevance(logits)
    moved = factor * logits + offset
    assert fit_calibration(moved, relevant).relevance(moved) == pytest.approx(plain, abs=1e-5)


def test_threshold_by_hand() -> None:
    scores = [0.9, 0.8, 0.8, 0.4, 0.2]
    relevant = [1, 1, 0, 1, 0]
    # Kept at 0.9: 1/1; at 0.8: 2/3, both equal scores together; at 0.4: 3/4; at 0.2: 3/5.
    assert threshold_for_precision(scores, relevant, 1.0) == 0.9
    assert threshold_for_precision(scores, relevant, 0.75) == 0.4
    assert threshold_for_precision(scores, relevant, 0.6) == 0.2
    assert threshold_for_precision([0.9, 0.1], [0, 1], 0.9) is None


@pytest.mark.parametrize(
    ("scores", "relevant", "message"),
    [
        ([1.0, 2.0], [1], "as many"),
        ([1.0, math.nan], [1, 0], "finite"),
        ([1.0, 2.0], [1, 1], "both relevant and other"),
        ([1.0, 2.0, 3.0], [1, 0, 0], "cannot be calibrated"),
    ],
)
def test_bad_input(scores: list[float], relevant: list[int], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        fit_calibration(scores, relevant)


def test_bad_precision() -> None:
    with pytest.raises(InvalidArgumentError, match="precision"):
        threshold_for_precision([0.5, 0.4], [1, 0], 0.0)

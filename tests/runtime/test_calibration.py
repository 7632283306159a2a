"""Logit to relevance: exact values, strict order, no overflow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.runtime.calibration import Calibration

LOGITS = st.floats(min_value=-30, max_value=30)


def test_values_worked_by_hand() -> None:
    # sigmoid(ln 3) = 3 / (3 + 1)
    scores = Calibration().relevance([0.0, math.log(3), -math.log(3)])
    np.testing.assert_allclose(scores, [0.5, 0.75, 0.25], rtol=1e-15)


def test_scale_and_shift_act_on_the_logit() -> None:
    # 2 * 0.5 + (ln 3 - 1) = ln 3
    scores = Calibration(scale=2.0, shift=math.log(3) - 1.0).relevance([0.5])
    np.testing.assert_allclose(scores, [0.75], rtol=1e-15)


def test_huge_logits_saturate_without_a_warning() -> None:
    scores = Calibration().relevance([1e308, -1e308, 800.0, -800.0])
    assert scores.tolist() == [1.0, 0.0, 1.0, 0.0]


def test_low_precision_logits_are_squashed_in_float64() -> None:
    scores = Calibration().relevance(np.array([17.0, 18.0], dtype=np.float32))
    assert scores.dtype == np.float64
    assert scores[0] < scores[1] < 1.0


@given(st.lists(LOGITS, min_size=1), st.floats(0.1, 1.0), st.floats(-2.0, 2.0))
def test_scores_lie_in_the_unit_interval_and_keep_the_order(
    logits: list[float], scale: float, shift: float
) -> None:
    scores = Calibration(scale, shift).relevance(sorted(logits))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.diff(scores) >= 0).all()


@given(LOGITS, st.floats(min_value=0.01, max_value=5))
def test_different_logits_within_thirty_get_different_scores(low: float, gap: float) -> None:
    pair = Calibration().relevance([low, min(low + gap, 30.1)])
    assert pair[0] < pair[1]


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_that_loses_the_order_is_refused(scale: float) -> None:
    with pytest.raises(InvalidArgumentError, match="scale over 0"):
        Calibration(scale=scale)


def test_a_shift_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="finite shift"):
        Calibration(shift=math.nan)

"""The combination of logit, dense similarity and BM25: hand-worked, and fitted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.runtime.combination import Combination, combination_features

SCORES = st.lists(st.none() | st.floats(0, 30), min_size=1, max_size=20)


def test_scores_by_hand() -> None:
    combination = Combination(logit=2.0, dense=10.0, lexical=4.0, shift=-5.0)
    scores = combination.scores(np.array([1.0, -1.0, 0.5]), [0.5, None, 0.3], [None, 8.0, 2.0])
    # What a stage missed gets its lowest score: dense 0.3, BM25 2 of 8.
    assert scores == pytest.approx([2 + 5 + 1 - 5, -2 + 3 + 4 - 5, 1 + 3 + 1 - 5])
    assert combination.relevance(scores) == pytest.approx([0.952574, 0.5, 0.5], abs=1e-6)


def test_a_stage_that_found_nothing_says_nothing() -> None:
    features = combination_features(np.array([1.0, 2.0]), [0.5, 0.4], [None, None])
    assert features.tolist() == [[1.0, 0.5, 0.0], [2.0, 0.4, 0.0]]
    assert combination_features(np.array([]), [], []).shape == (0, 3)


@given(SCORES)
def test_relative_bm25_lies_between_0_and_1(lexical: list[float | None]) -> None:
    features = combination_features(np.zeros(len(lexical)), [None] * len(lexical), lexical)
    assert ((features[:, 2] >= 0) & (features[:, 2] <= 1)).all()


@pytest.mark.parametrize("weights", [(0.0, 1, 1, 0), (1, -1, 1, 0), (1, 1, 1, float("nan"))])
def test_wrong_weights(weights: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidArgumentError, match="weight"):
        Combination(*weights)

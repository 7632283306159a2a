"""The combination of logit, dense similarity and BM25: hand-worked, and fitted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.runtime.combination import ScoreInterpolation, combination_features

SCORES = st.lists(st.none() | st.floats(0, 1), min_size=2, max_size=20)


def test_scores_by_hand() -> None:
    combination = ScoreInterpolation(logit=2.0, dense=10.0, lexical=4.0, shift=-5.0)
    scores = combination.scores(np.array([1.0, -1.0, 0.5]), [0.5, None, 0.3], [None, 0.75, 0.25])
    assert scores == pytest.approx([2 + 5 + 0 - 5, -2 + 0 + 3 - 5, 1 + 3 + 1 - 5])
    assert combination.relevance(scores) == pytest.approx([0.880797, 0.017986, 0.5], abs=1e-6)


def test_a_stage_that_found_nothing_says_nothing() -> None:
    features = combination_features(np.array([1.0, 2.0]), [0.5, 0.4], [None, None])
    assert features.tolist() == [[1.0, 0.5, 0.0], [2.0, 0.4, 0.0]]
    assert combination_features(np.array([]), [], []).shape == (0, 3)


@given(SCORES)
def test_a_score_does_not_depend_on_the_other_candidates(lexical: list[float | None]) -> None:
    combination = ScoreInterpolation(logit=1.0, dense=5.0, lexical=3.0, shift=0.0)
    logits = np.linspace(-3, 3, len(lexical))
    together = combination.scores(logits, lexical, lexical)
    alone = combination.scores(logits[:1], lexical[:1], lexical[:1])
    assert together[0] == alone[0]


@pytest.mark.parametrize("weights", [(0.0, 1, 1, 0), (1, -1, 1, 0), (1, 1, 1, float("nan"))])
def test_wrong_weights(weights: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidArgumentError, match="weight"):
        ScoreInterpolation(*weights)

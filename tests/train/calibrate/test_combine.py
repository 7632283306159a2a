"""Fitting the combination to candidate lists."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wikirank.train.data import CandidateList

pytest.importorskip("scipy", reason="needs the [train] extra")

from wikirank.rank import best_first
from wikirank.train.calibrate.combine import (
    cross_validated_scores,
    fit_combination,
    fit_dense_combination,
)

Lists = tuple[list[CandidateList], list[NDArray[np.float64]]]


def lists_by(
    logit: float, dense: float, lexical: float, n: int = 300, cosines_between: float = 1.0
) -> Lists:
    """Lists whose positive was drawn by a softmax over a known combination."""
    rng = np.random.default_rng(3)
    lists, logits = [], []
    for number in range(n):
        logits.append(rng.normal(0, 2, 10))
        cosines, relative = rng.uniform(0, 1, 10) * cosines_between, rng.uniform(0, 1, 10)
        scores = logit * logits[-1] + dense * cosines + lexical * relative
        place = int(rng.choice(10, p=np.exp(scores) / np.exp(scores).sum()))
        texts = [str(index) for index in range(10)]
        held = CandidateList(
            f"q{number}", "pair", texts[place], texts, place, [*cosines], [*relative]
        )
        lists.append(held)
    missed = CandidateList("missed", "pair", "x", ["0", "1"], -1, [0.1, None], [None, 2.0])
    return [*lists, missed], [*logits, np.array([0.0, 1.0])]


def test_finds_the_weights_that_made_the_lists() -> None:
    fitted = fit_combination(*lists_by(logit=1.0, dense=6.0, lexical=3.0))
    assert fitted.dense / fitted.logit == pytest.approx(6.0, rel=0.25)
    assert fitted.lexical / fitted.logit == pytest.approx(3.0, rel=0.35)


def test_without_bm25_the_other_weights_stay() -> None:
    fitted = fit_dense_combination(*lists_by(logit=1.0, dense=6.0, lexical=0.0))
    assert fitted.lexical == 0.0
    assert fitted.dense / fitted.logit == pytest.approx(6.0, rel=0.25)


def test_cosines_that_lie_close_to_each_other_get_a_larger_weight() -> None:
    wide = fit_combination(*lists_by(logit=1.0, dense=6.0, lexical=3.0))
    close = fit_combination(*lists_by(1.0, dense=60.0, lexical=3.0, cosines_between=0.1))
    assert close.dense / close.logit == pytest.approx(10 * wide.dense / wide.logit, rel=0.01)
    assert close.lexical == pytest.approx(wide.lexical, rel=0.01)


def test_an_uninformative_first_stage_gets_little_weight() -> None:
    fitted = fit_combination(*lists_by(logit=1.0, dense=0.0, lexical=0.0, n=1500))
    assert fitted.dense < 0.5 * fitted.logit
    assert fitted.lexical < 0.5 * fitted.logit


def test_cross_validated_order_beats_the_logit() -> None:
    lists, logits = lists_by(logit=0.7, dense=6.0, lexical=3.0)
    combined = cross_validated_scores(lists, logits)

    def hits(scores: list[NDArray[np.float64]]) -> int:
        return sum(
            best_first(s)[0] == held.positive_rank for s, held in zip(scores, lists, strict=True)
        )

    assert hits(combined) > hits(logits) + 20

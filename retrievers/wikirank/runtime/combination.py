"""The final score of hybrid search: cross-encoder, dense similarity and BM25 together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wikirank.errors import InvalidArgumentError
from wikirank.runtime.calibration import Calibration

Scores = Sequence[float | None]


class FirstStageScores(NamedTuple):
    """What hybrid search knows of one query's candidates.

    Attributes:
        dense: (n,), cosine similarities, None where dense search did not find the candidate.
        lexical: (n,), BM25 scores, None where lexical search did not find it.
    """

    dense: Scores
    lexical: Scores


@dataclass(frozen=True)
class Combination:
    """A logistic combination of what each stage says of a candidate.

    Score = logit · logit + dense · dense similarity + lexical · relative BM25 + shift; its sigmoid
    is the relevance score. Cross-encoders and first stages err on different passages, so their
    linear interpolation ranks better than either (Wang, Zhuang and Zuccon, "BERT-based Dense
    Retrievers Require Interpolation with BM25 for Effective Passage Retrieval", ICTIR 2021).

    Attributes:
        logit: Weight of the cross-encoder's logit, over 0.
        dense: Weight of the cosine similarity, 0 or more.
        lexical: Weight of BM25 divided by the query's highest, 0 or more.
        shift: Summand.

    Raises:
        InvalidArgumentError: A value is out of range.
    """

    logit: float
    dense: float
    lexical: float
    shift: float

    def __post_init__(self) -> None:
        finite = all(math.isfinite(value) for value in astuple(self))
        if not (finite and self.logit > 0 and self.dense >= 0 and self.lexical >= 0):
            msg = (
                "Expected finite numbers, a weight over 0 of the logit and weights of 0 or more "
                f"of dense and lexical, got {self}."
            )
            raise InvalidArgumentError(msg)

    def scores(
        self, logits: NDArray[np.float64], dense: Scores, lexical: Scores
    ) -> NDArray[np.float64]:
        """Combine what is known of one query's candidates.

        Args:
            logits: (n,), the cross-encoder's.
            dense: Cosine similarities, None where dense search did not find the candidate.
            lexical: BM25 scores, None where lexical search did not find it.

        Returns:
            (n,), higher is more relevant; `relevance` squashes them.
        """
        weights = np.array([self.logit, self.dense, self.lexical])
        scores: NDArray[np.float64] = combination_features(logits, dense, lexical) @ weights
        return scores + self.shift

    def relevance(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Relevance scores in [0, 1] of what `scores` gave."""
        return Calibration().relevance(scores)


def combination_features(
    logits: NDArray[np.float64], dense: Scores, lexical: Scores
) -> NDArray[np.float64]:
    """What `Combination` weighs: logit, dense similarity and relative BM25.

    A candidate that a first stage did not find is no better there than the last that it found, and
    gets that one's score.

    Args:
        logits: (n,), the cross-encoder's.
        dense: Cosine similarities, None where unknown.
        lexical: BM25 scores, None where unknown.

    Returns:
        (n, 3).
    """
    bm25 = _filled(lexical)
    highest = bm25.max(initial=0.0)
    return np.stack([logits, _filled(dense), bm25 / highest if highest > 0 else bm25], axis=1)


def _filled(scores: Scores) -> NDArray[np.float64]:
    known = [score for score in scores if score is not None]
    lowest = min(known, default=0.0)
    return np.array([lowest if score is None else score for score in scores], dtype=np.float64)

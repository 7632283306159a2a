"""Combine logit, dense similarity and BM25: for the final score, and for the prefilter's rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wikirank.errors import InvalidArgumentError
from wikirank.runtime.calibration import Calibration, are_finite

Scores = Sequence[float | None]


class FirstStageScores(NamedTuple):
    """First-stage scores of one query's candidates.

    Attributes:
        dense: (n,), cosine similarities; None where unknown.
        lexical: (n,), BM25 divided by the highest score that the query can reach; None where
            unknown.
    """

    dense: Scores
    lexical: Scores


@dataclass(frozen=True)
class ScoreInterpolation:
    """A linear combination of a candidate's scores from all stages.

    score = `logit` * logit + `dense` * cosine similarity + `lexical` * BM25 + `shift`. The sigmoid
    of the score is the relevance score. Cross-encoders and first stages err on different passages,
    so their linear interpolation ranks better than either (Wang, Zhuang and Zuccon, "BERT-based
    Dense Retrievers Require Interpolation with BM25 for Effective Passage Retrieval", ICTIR 2021).

    Attributes:
        logit: Weight of the cross-encoder's logit, over 0.
        dense: Weight of the cosine similarity, 0 or more.
        lexical: Weight of BM25 divided by the highest score that the query can reach, 0 or more.
        shift: Bias.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    logit: float
    dense: float
    lexical: float
    shift: float

    def __post_init__(self) -> None:
        if not (are_finite(*astuple(self)) and self.logit > 0 <= min(self.dense, self.lexical)):
            msg = (
                "Expected finite numbers, with a logit weight over 0 and dense and lexical weights "
                f"of 0 or more, got {self}. Correct them."
            )
            raise InvalidArgumentError(msg)

    def scores(
        self, logits: NDArray[np.float64], dense: Scores, lexical: Scores
    ) -> NDArray[np.float64]:
        """Combine the scores of one query's candidates.

        Args:
            logits: (n,), cross-encoder logits.
            dense: See `FirstStageScores`; unknown scores count as 0.
            lexical: See `FirstStageScores`; unknown scores count as 0.

        Returns:
            (n,), unbounded, higher is more relevant; `relevance` maps them to [0, 1].
        """
        # Not a matrix product: its rounding depends on the number of candidates.
        weighted = self.logit * logits + self.dense * _fill(dense)
        scores: NDArray[np.float64] = weighted + self.lexical * _fill(lexical) + self.shift
        return scores

    def relevance(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return relevance scores in [0, 1] for the results of `scores`."""
        return Calibration().relevance(scores)


@dataclass(frozen=True)
class DropRule:
    """When a prefilter drops a candidate: if its score is too far below the best.

    The score is the prefilter's logit, plus weighted first-stage scores if they are known.

    Attributes:
        margin: A candidate survives if it is at most this far below the best score, 0 or more.
        spare: Candidates that survive in any case beyond those wanted, as a fraction of the number
            wanted, 0 or more.
        dense: Weight of the cosine similarity, 0 or more.
        lexical: Weight of BM25 divided by the highest score that the query can reach, 0 or more.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    margin: float
    spare: float = 0.0
    dense: float = 0.0
    lexical: float = 0.0

    def __post_init__(self) -> None:
        if not are_finite(*astuple(self)) or min(astuple(self)) < 0:
            msg = f"Expected finite numbers of 0 or more, got {self}. Correct them."
            raise InvalidArgumentError(msg)


@dataclass(frozen=True)
class DropRules:
    """When a prefilter drops candidates.

    Attributes:
        alone: The rule without first-stage scores.
        hybrid: The rule for hybrid search, with first-stage scores; None to use `alone`.
    """

    alone: DropRule
    hybrid: DropRule | None = None


def combination_features(
    logits: NDArray[np.float64], dense: Scores, lexical: Scores
) -> NDArray[np.float64]:
    """Return logit, dense similarity and BM25 as (n, 3); unknown scores count as 0."""
    return np.stack([logits, _fill(dense), _fill(lexical)], axis=1)


def _fill(scores: Scores) -> NDArray[np.float64]:
    return np.array([score or 0.0 for score in scores], dtype=np.float64)

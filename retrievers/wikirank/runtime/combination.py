"""Cross-encoder, dense similarity and BM25 together: the final score, and the prefilter's rule."""

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
    """What hybrid search knows of one query's candidates.

    Attributes:
        dense: (n,), cosine similarities, None where unknown.
        lexical: (n,), BM25 as a share of the most that the query can reach, None where unknown.
    """

    dense: Scores
    lexical: Scores


@dataclass(frozen=True)
class ScoreInterpolation:
    """A logistic combination of what each stage says of a candidate.

    Score = logit · logit + dense · dense similarity + lexical · BM25 + shift; its sigmoid
    is the relevance score. Cross-encoders and first stages err on different passages, so their
    linear interpolation ranks better than either (Wang, Zhuang and Zuccon, "BERT-based Dense
    Retrievers Require Interpolation with BM25 for Effective Passage Retrieval", ICTIR 2021).

    Attributes:
        logit: Weight of the cross-encoder's logit, over 0.
        dense: Weight of the cosine similarity, 0 or more.
        lexical: Weight of BM25 as a share of the most that the query can reach, 0 or more.
        shift: Summand.

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
            dense: Cosine similarities, None where unknown.
            lexical: BM25 as a share of the most that the query can reach, None where unknown.

        Returns:
            (n,), higher is more relevant; `relevance` squashes them.
        """
        # Not a matrix product: its rounding differs by the number of candidates.
        weighed = self.logit * logits + self.dense * _filled(dense)
        scores: NDArray[np.float64] = weighed + self.lexical * _filled(lexical) + self.shift
        return scores

    def relevance(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Relevance scores in [0, 1] of what `scores` gave."""
        return Calibration().relevance(scores)


@dataclass(frozen=True)
class DropRule:
    """Which candidates a prefilter drops: those too far below the best by logit and first stage.

    Attributes:
        margin: How far below the best a candidate can be and go on, 0 or more.
        spare: How many more than are wanted go on in any case, as a part of these, 0 or more.
        dense: What cosine similarity is worth beside the logit of the prefilter, 0 or more.
        lexical: Likewise BM25 divided by the query's highest.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    margin: float
    spare: float = 0.0
    dense: float = 0.0
    lexical: float = 0.0

    def __post_init__(self) -> None:
        if not are_finite(*astuple(self)) or min(astuple(self)) < 0:
            msg = f"Expected finite numbers of 0 or more, got {self}."
            raise InvalidArgumentError(msg)


@dataclass(frozen=True)
class DropRules:
    """When a prefilter drops candidates.

    Attributes:
        alone: Where nothing but the texts is known.
        hybrid: Where the scores of hybrid search are known too; None goes by the texts alone.
    """

    alone: DropRule
    hybrid: DropRule | None = None


def combination_features(
    logits: NDArray[np.float64], dense: Scores, lexical: Scores
) -> NDArray[np.float64]:
    """Logit, dense similarity and BM25 as a matrix (n, 3); what is not known counts as 0."""
    return np.stack([logits, _filled(dense), _filled(lexical)], axis=1)


def _filled(scores: Scores) -> NDArray[np.float64]:
    return np.array([score or 0.0 for score in scores], dtype=np.float64)

"""A cascade of two networks, so that hopeless candidates need not go through the large one.

A small network, the prefilter, says in a twentieth of the time what it thinks of each candidate;
only those that can still be among the best are scored by the cross-encoder. Where the scores of
hybrid search are known, they have a say in it too. The candidates of one query are compared with
each other; see Wang, Lin and Metzler, "A Cascade Ranking Model for Efficient Ranked Retrieval",
SIGIR 2011.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wikirank.runtime.combination import DropRule, FirstStageScores, ScoreInterpolation
from wikirank.runtime.session import Network, Tokens
from wikirank.runtime.workers import map_ordered

# At most so many candidates for each one wanted go on.
_MOST = 5


class Prefilter:
    """The small network; threads may share it.

    Args:
        network: Its file.

    Raises:
        ModelError: If it cannot be opened.
    """

    def __init__(self, network: Path) -> None:
        self._network = Network(network)

    def logits(self, pairs: Iterable[Tokens]) -> NDArray[np.float64]:
        """Score pairs.

        Args:
            pairs: Each within the cross-encoder's length; taken while others are being run.

        Returns:
            (n,), logits that can be compared with each other for one query, and with nothing else.

        Raises:
            ModelError: If a run failed, or gave something that is not a finite number.
        """
        return np.array(list(map_ordered(self._logit, pairs)))

    def _logit(self, pair: Tokens) -> float:
        query, passage = sides(pair)
        feed = {"query_ids": query[np.newaxis], "passage_ids": passage[np.newaxis]}
        return float(self._network.run(feed)[0])


def sides(pair: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids of query and passage as a prefilter reads them, special tokens included."""
    ids = np.array(pair.ids, dtype=np.int64)
    of_passage = np.array(pair.type_ids, dtype=bool)
    return ids[~of_passage], ids[of_passage]


def with_first_stage(
    logits: NDArray[np.float64], first_stage: FirstStageScores, rule: DropRule
) -> NDArray[np.float64]:
    """A prefilter's logits with what the first stage's scores are worth by a rule."""
    return ScoreInterpolation(1.0, rule.dense, rule.lexical, 0.0).scores(logits, *first_stage)


def survivors(
    logits: Sequence[float] | NDArray[np.float64], top_n: int, rule: DropRule
) -> list[int]:
    """Which candidates of a query go on from the prefilter to the cross-encoder.

    Args:
        logits: Of all candidates, by the prefilter, the first stage's scores perhaps added.
        top_n: How many candidates matter.
        rule: At least `spare` times as many more go on; of the others those that are at most
            `margin` below the highest logit, up to five times `top_n`.

    Returns:
        Their positions, the highest logit first.
    """
    logits = np.asarray(logits, dtype=np.float64)
    order = np.argsort(-logits, kind="stable")[: _MOST * top_n]
    near = int((logits[order] >= logits.max(initial=-np.inf) - rule.margin).sum())
    least = top_n + math.ceil(round(rule.spare * top_n, 6))
    positions: list[int] = order[: max(least, near)].tolist()
    return positions

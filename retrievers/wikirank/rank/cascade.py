"""A cascade of two networks: a small one drops hopeless candidates before the large one runs.

The small network, the prefilter, scores each candidate in a twentieth of the time. The
cross-encoder scores only candidates that can still be among the best. In hybrid search the
first-stage scores help to decide. Candidates are compared within one query; see Wang, Lin and
Metzler, "A Cascade Ranking Model for Efficient Ranked Retrieval", SIGIR 2011.
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

_MAX_FACTOR = 5
"""At most this many times `top_n` candidates survive."""


class Prefilter:
    """The small network of a cascade. Threads may share it.

    Args:
        network: Path of the ONNX file.

    Raises:
        ModelError: If the file cannot be opened.
    """

    def __init__(self, network: Path) -> None:
        self._network = Network(network)

    def logits(self, pairs: Iterable[Tokens]) -> NDArray[np.float64]:
        """Score pairs.

        Args:
            pairs: Each within the cross-encoder's length. They are consumed while earlier ones run.

        Returns:
            (n,), logits that are comparable only within one query.

        Raises:
            ModelError: If a run failed or returned a number that is not finite.
        """
        return np.array(list(map_ordered(self._logit, pairs)))

    def _logit(self, pair: Tokens) -> float:
        query, passage = sides(pair)
        feed = {"query_ids": query[np.newaxis], "passage_ids": passage[np.newaxis]}
        return float(self._network.run(feed)[0])


def sides(pair: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split a pair into the token ids of query and passage, special tokens included."""
    ids = np.array(pair.ids, dtype=np.int64)
    in_passage = np.array(pair.type_ids, dtype=bool)
    return ids[~in_passage], ids[in_passage]


def with_first_stage(
    logits: NDArray[np.float64], first_stage: FirstStageScores, rule: DropRule
) -> NDArray[np.float64]:
    """Add the first-stage scores to prefilter logits, with the weights of a rule."""
    return ScoreInterpolation(1.0, rule.dense, rule.lexical, 0.0).scores(logits, *first_stage)


def survivors(
    logits: Sequence[float] | NDArray[np.float64], top_n: int, rule: DropRule
) -> list[int]:
    """Choose the candidates of a query that the cross-encoder scores.

    Args:
        logits: Prefilter logits of all candidates, possibly with first-stage scores added.
        top_n: The number of candidates wanted.
        rule: `top_n` * (1 + `spare`) candidates survive in any case, and beyond these every
            candidate at most `margin` below the highest logit, up to five times `top_n`.

    Returns:
        Positions of the survivors, highest logit first.
    """
    logits = np.asarray(logits, dtype=np.float64)
    order = np.argsort(-logits, kind="stable")[: _MAX_FACTOR * top_n]
    within_margin = int((logits[order] >= logits.max(initial=-np.inf) - rule.margin).sum())
    minimum = top_n + math.ceil(round(rule.spare * top_n, 6))
    positions: list[int] = order[: max(minimum, within_margin)].tolist()
    return positions

"""A network in three parts, so that hopeless candidates need not go through all of it.

After the first layers a small head says what it thinks of each pair; only the candidates that can
still be among the best go on through the last layers, from where they are. This is early exit as
by Xin, Nogueira, Yu and Lin, "Early Exiting BERT for Efficient Document Ranking", SustaiNLP 2020;
the candidates of one query are compared with each other, as in a cascade (Wang, Lin and Metzler,
"A Cascade Ranking Model for Efficient Ranked Retrieval", SIGIR 2011).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wikirank.errors import ModelError
from wikirank.rank.protocol import DROPPED
from wikirank.runtime.model_folder import ModelFolder
from wikirank.runtime.session import Network, Tokens, padded
from wikirank.runtime.workers import map_ordered

# The states of so many candidates for each one wanted are kept: 0.4 MB each, of 256 tokens.
_MOST_KEPT = 5

_States = dict[str, NDArray[Any]]


class _Begun(NamedTuple):
    """A candidate that went through the first layers; compared by its exit logit."""

    exit_logit: float
    order: int
    states: _States


class EarlyExitNetwork:
    """The three parts of a network; threads may share it.

    Args:
        folder: A model folder of kind "cross-encoder".

    Raises:
        ModelError: It has no early exit, or a part cannot be opened.
    """

    def __init__(self, folder: ModelFolder) -> None:
        files, margin = folder.early_exit, folder.description.exit_margin
        if files is None or margin is None:
            msg = f"Expected a model with an early exit in {folder.path}, got one without."
            raise ModelError(msg)
        self._first, self._exit, self._last = map(Network, files)
        self._margin = margin

    def run_texts(self, pairs: Iterable[Tokens]) -> NDArray[np.float64]:
        """Score pairs by all layers.

        Args:
            pairs: Each within the model's length; taken while others are being run.

        Returns:
            (n,), raw logits.

        Raises:
            ModelError: A run failed, or gave something that is not a finite number.
        """
        return np.array(list(map_ordered(lambda pair: self._finish(self._begin(pair)), pairs)))

    def exit_logits(self, pairs: Iterable[Tokens]) -> NDArray[np.float64]:
        """Score pairs by the first layers and the exit alone; see `run_texts`."""
        return np.array(list(map_ordered(lambda pair: self._leave(self._begin(pair)), pairs)))

    def best_logits(self, pairs: Iterable[Tokens], best: int) -> NDArray[np.float64]:
        """Score pairs by the first layers, and those that may be among the best by all.

        Args:
            pairs: As for `run_texts`.
            best: How many of them matter, 1 or more.

        Returns:
            (n,), raw logits; minus infinity for candidates that did not go on, see `going_on`.

        Raises:
            ModelError: A run failed, or gave something that is not a finite number.
        """

        def begin(pair: Tokens) -> tuple[float, _States]:
            states = self._begin(pair)
            return self._leave(states), states

        kept: list[_Begun] = []
        n = 0
        for n, (exit_logit, states) in enumerate(map_ordered(begin, pairs), start=1):
            begun = _Begun(exit_logit, -n, states)  # Of equal ones the earlier is better.
            if len(kept) < _MOST_KEPT * best:
                heapq.heappush(kept, begun)
            else:
                heapq.heappushpop(kept, begun)
        kept.sort(reverse=True)
        left = [kept[at] for at in going_on([one.exit_logit for one in kept], best, self._margin)]
        logits = np.full(n, DROPPED)
        scores = map_ordered(lambda begun: self._finish(begun.states), left)
        logits[[-begun.order - 1 for begun in left]] = list(scores)
        return logits

    def _begin(self, pair: Tokens) -> _States:
        """A pair through the first layers: what the other parts take."""
        given = padded([pair])
        return {"states": self._first.run(given), "token_type_ids": given["token_type_ids"]}

    def _leave(self, states: _States) -> float:
        return float(self._exit.run(states)[0])

    def _finish(self, states: _States) -> float:
        return float(self._last.run(states)[0])


def going_on(
    exit_logits: Sequence[float] | NDArray[np.float64], best: int, margin: float
) -> list[int]:
    """Which candidates of a query go on through the last layers.

    Args:
        exit_logits: Of all candidates.
        best: How many candidates matter: at least half as many more go on.
        margin: Of the others those go on that are at most so far below the highest exit logit, up
            to five times `best`.

    Returns:
        Their positions, the highest exit logit first.
    """
    logits = np.asarray(exit_logits, dtype=np.float64)
    order = np.argsort(-logits, kind="stable")[: _MOST_KEPT * best]
    near = int((logits[order] >= logits.max(initial=-np.inf) - margin).sum())
    least = best + -(-best // 2)
    positions: list[int] = order[: max(least, near)].tolist()
    return positions

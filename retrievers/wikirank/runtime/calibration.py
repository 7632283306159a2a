"""Calibration of raw logits to relevance scores in [0, 1]."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wikirank.errors import InvalidArgumentError


def are_finite(*numbers: Any) -> bool:
    """Return whether all values are finite numbers."""
    # An int may be larger than any float, and a bool is not a number here.
    return all(
        isinstance(number, (int, float))
        and not isinstance(number, bool)
        and abs(number) <= sys.float_info.max
        for number in numbers
    )


@dataclass(frozen=True)
class Calibration:
    """Platt scaling: relevance = sigmoid(scale * logit + shift).

    Attributes:
        scale: Factor, finite and over 0, so the order of the logits is kept.
        shift: Bias, finite.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        if not (are_finite(*astuple(self)) and self.scale > 0):
            msg = f"Expected a finite scale over 0 and a finite shift, got {self}. Correct them."
            raise InvalidArgumentError(msg)

    def relevance(self, logits: Sequence[float] | NDArray[np.floating]) -> NDArray[np.float64]:
        """Return relevance scores for logits of any shape, in float64 and without overflow."""
        scaled = float(self.scale) * np.asarray(logits, dtype=np.float64) + float(self.shift)
        decay = np.exp(-np.abs(scaled))
        scores: NDArray[np.float64] = np.where(scaled >= 0, 1.0, decay) / (1.0 + decay)
        return scores

"""What scoring needs of a cross-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from wikirank.rank.calibration import Calibration
from wikirank.rank.combination import Combination, FirstStageScores

DROPPED = float("-inf")
"""The logit of a text that the first pass of a cascade dropped."""


class CrossEncoder(Protocol):
    """Reads a query and a passage together and gives one logit: higher is more relevant.

    Implementations may be shared by threads. Score through `wikirank.rank.score_passages`, which
    sees to it that every pair fits.
    """

    @property
    def model_id(self) -> str:
        """Name and version of the model."""
        ...

    @property
    def max_length(self) -> int:
        """Longest pair in tokens, special tokens included."""
        ...

    @property
    def headings(self) -> bool:
        """Whether passages are to carry `title › section` on a line before the text."""
        ...

    @property
    def calibration(self) -> Calibration:
        """From a logit to a relevance score."""
        ...

    @property
    def combination(self) -> Combination | None:
        """How the final score of hybrid search is made; None if by the logit alone."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer, which encodes pairs; it neither truncates nor pads. Never change it."""
        ...

    def logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs of query and passage.

        Args:
            pairs: Encoded by `tokenizer`, special tokens included, each within `max_length`.

        Returns:
            (n,), raw logits in the order of the pairs.

        Raises:
            ModelError: The model failed, or gave something that is not a finite number.
        """
        ...


@runtime_checkable
class Cascade(Protocol):
    """A cross-encoder with a cheap first pass, by which hopeless passages can be dropped."""

    def first_pass_logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs by the first pass alone.

        Args:
            pairs: As for `CrossEncoder.logits`.

        Returns:
            (n,), logits that can be compared with each other for one query.

        Raises:
            ModelError: The model failed, or gave something that is not a finite number.
        """
        ...

    def going_on(
        self,
        logits: Sequence[NDArray[np.float64]],
        best: int,
        first_stage: FirstStageScores | None = None,
    ) -> list[NDArray[np.bool_]]:
        """Which windows of which passages are worth being scored by the cross-encoder.

        Args:
            logits: Of each passage (its windows,), by the first pass.
            best: How many passages matter, 1 or more.
            first_stage: What hybrid search knows of them, which helps to tell the hopeless.

        Returns:
            Of each passage (its windows,): no window of a passage that is dropped, one or more of
            at least `best` passages, or of all.
        """
        ...

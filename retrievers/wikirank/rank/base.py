"""What the cross-encoders of both backends have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from wikirank.errors import ModelError
from wikirank.rank.calibration import Calibration
from wikirank.rank.combination import Combination
from wikirank.runtime.model_description import ModelDescription


class DescribedCrossEncoder(ABC):
    """A `CrossEncoder` whose properties come from a model description.

    Args:
        description: What is known of the model.
        max_length: Longest pair in tokens, special tokens included.
        tokenizer: The model's tokenizer, which nothing changes.
    """

    def __init__(
        self, description: ModelDescription, *, max_length: int, tokenizer: Tokenizer
    ) -> None:
        self._description = description
        self._max_length = max_length
        self._tokenizer = tokenizer

    @property
    def model_id(self) -> str:
        """Name and version of the model."""
        return self._description.model_id

    @property
    def max_length(self) -> int:
        """Longest pair in tokens, special tokens included."""
        return self._max_length

    @property
    def headings(self) -> bool:
        """Whether passages are to carry `title › section` on a line before the text."""
        return self._description.headings

    @property
    def calibration(self) -> Calibration:
        """From a logit to a relevance score; a plain sigmoid unless the model folder differs."""
        return Calibration(self._description.scale, self._description.shift)

    @property
    def combination(self) -> Combination | None:
        """How the final score of hybrid search is made; None if by the logit alone."""
        weights = self._description.combination
        return None if weights is None else Combination(**weights)

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer; never change it."""
        return self._tokenizer

    def logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs of query and passage; see `score_passages`, which makes them of texts.

        Args:
            pairs: Encoded by `tokenizer`, special tokens included, each within `max_length`.

        Returns:
            (n,), raw logits in the order of the pairs.

        Raises:
            ModelError: The model failed, or gave something that is not a finite number.
        """
        if not pairs:
            return np.empty(0)
        logits = self._score(pairs)
        if not np.isfinite(logits).all():
            msg = f"Expected finite numbers from {self.model_id}, got NaN or infinity."
            raise ModelError(msg)
        return logits

    @abstractmethod
    def _score(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Raw logits of one pair or more."""

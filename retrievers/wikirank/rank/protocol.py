"""What scoring needs of a cross-encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.combination import FirstStageScores, ScoreInterpolation
from wikirank.runtime.model_description import ModelDescription
from wikirank.types import OnTruncation

MIN_LENGTH = 16
"""Fewest tokens of a pair."""


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
    def prepend_heading(self) -> bool:
        """Whether passages are to carry `title › section` on a line before the text."""
        return self._description.prepend_heading

    @property
    def calibration(self) -> Calibration:
        """From a logit to a relevance score; a plain sigmoid unless the model folder differs."""
        return self._description.calibration

    @property
    def combination(self) -> ScoreInterpolation | None:
        """How the final score of hybrid search is made; None if by the logit alone."""
        return self._description.combination

    @property
    def dense_combination(self) -> ScoreInterpolation | None:
        """How the score of other texts is made of logit and cosine; None if by the logit alone."""
        return self._description.dense_combination

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer; never change it."""
        return self._tokenizer

    def logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs; see `CrossEncoder`, and `score_passages`, which makes them of texts."""
        return self._finite(self._score(pairs)) if pairs else np.empty(0)

    def _finite(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        if not np.isfinite(logits).all():
            msg = f"Expected finite numbers from {self.model_id}, got NaN or infinity."
            raise ModelError(msg)
        return logits

    @abstractmethod
    def _score(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Raw logits of one pair or more."""


PRUNED = float("-inf")
"""The logit of a text that the prefilter of a cascade dropped."""


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
    def prepend_heading(self) -> bool:
        """Whether passages are to carry `title › section` on a line before the text."""
        ...

    @property
    def calibration(self) -> Calibration:
        """From a logit to a relevance score."""
        ...

    @property
    def combination(self) -> ScoreInterpolation | None:
        """How the final score of hybrid search is made; None if by the logit alone."""
        ...

    @property
    def dense_combination(self) -> ScoreInterpolation | None:
        """How the score of other texts is made of logit and cosine; None if by the logit alone."""
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
            ModelError: If the model failed, or gave something that is not a finite number.
        """
        ...


@runtime_checkable
class TextCrossEncoder(Protocol):
    """A cross-encoder that builds its own input and so is given texts, not encoded pairs."""

    def score_texts(
        self, query: str, texts: Sequence[str], *, on_truncation: OnTruncation = "window"
    ) -> NDArray[np.float64]:
        """Score texts for a query.

        Args:
            query: The query.
            texts: The texts.
            on_truncation: "error" refuses a text over the length; else it is cut with a warning.

        Returns:
            (n,), raw logits in the order of the texts.

        Raises:
            TextTooLongError: If a text is too long and `on_truncation` is "error".
            ModelError: If the model failed, or gave something that is not a finite number.
        """
        ...


@runtime_checkable
class Cascade(Protocol):
    """A cross-encoder with a cheap prefilter, by which hopeless passages can be dropped."""

    def prefilter_logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs by the prefilter alone.

        Args:
            pairs: As for `CrossEncoder.logits`.

        Returns:
            (n,), logits that can be compared with each other for one query.

        Raises:
            ModelError: If the model failed, or gave something that is not a finite number.
        """
        ...

    def survivors(
        self,
        logits: Sequence[NDArray[np.float64]],
        top_n: int,
        first_stage: FirstStageScores | None = None,
    ) -> list[NDArray[np.bool_]]:
        """Which windows of which passages are worth being scored by the cross-encoder.

        Args:
            logits: Of each passage (its windows,), by the prefilter.
            top_n: How many passages matter, 1 or more.
            first_stage: What hybrid search knows of them, which helps to tell the hopeless.

        Returns:
            Of each passage (its windows,): no window of a passage that is dropped, one or more of
            at least `top_n` passages, or of all.
        """
        ...


def check_max_length(max_length: int | None, *, limit: int) -> int:
    """Check a length asked for against what a model can read.

    Args:
        max_length: Tokens a pair, special tokens included; None for the limit.
        limit: The longest pair that the model can read.

    Returns:
        The length to use.

    Raises:
        InvalidArgumentError: If it is not a whole number between `MIN_LENGTH` and the limit.
    """
    if max_length is None:
        return limit
    if type(max_length) is not int or not MIN_LENGTH <= max_length <= limit:
        msg = f"Expected a max_length from {MIN_LENGTH} to {limit} tokens, got {max_length!r}."
        raise InvalidArgumentError(msg)
    return max_length

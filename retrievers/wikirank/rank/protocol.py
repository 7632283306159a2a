"""The interface of a cross-encoder."""

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
"""Smallest allowed `max_length`, in tokens."""


class DescribedCrossEncoder(ABC):
    """A `CrossEncoder` whose properties come from a model description.

    Args:
        description: The model description.
        max_length: Longest pair in tokens, special tokens included.
        tokenizer: The model's tokenizer. It is never changed.
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
        """Maps logits to relevance scores; a sigmoid unless the model folder says otherwise."""
        return self._description.calibration

    @property
    def combination(self) -> ScoreInterpolation | None:
        """Final score in hybrid search, from logit and first-stage scores; None: logit alone."""
        return self._description.combination

    @property
    def dense_combination(self) -> ScoreInterpolation | None:
        """Final score outside hybrid search, from logit and cosine; None: logit alone."""
        return self._description.dense_combination

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer. Never change it."""
        return self._tokenizer

    def logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score encoded pairs; see `CrossEncoder`. To score texts, use `score_passages`."""
        return self._check_finite(self._score(pairs)) if pairs else np.empty(0)

    def _check_finite(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        if not np.isfinite(logits).all():
            msg = (
                f"Expected finite numbers from {self.model_id}, got NaN or infinity. "
                "Use another model."
            )
            raise ModelError(msg)
        return logits

    @abstractmethod
    def _score(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Return the raw logits of one or more pairs."""


PRUNED = float("-inf")
"""The logit of a text that the prefilter dropped."""


class CrossEncoder(Protocol):
    """Reads a query and a passage together and returns one logit: higher is more relevant.

    Threads may share an implementation. Score through `wikirank.rank.score_passages`, which makes
    every pair fit.
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
        """Maps logits to relevance scores."""
        ...

    @property
    def combination(self) -> ScoreInterpolation | None:
        """Final score in hybrid search, from logit and first-stage scores; None: logit alone."""
        ...

    @property
    def dense_combination(self) -> ScoreInterpolation | None:
        """Final score outside hybrid search, from logit and cosine; None: logit alone."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, without truncation and padding. Never change it."""
        ...

    def logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs of query and passage.

        Args:
            pairs: Encoded by `tokenizer`, special tokens included, each within `max_length`.

        Returns:
            (n,), raw logits in the order of the pairs.

        Raises:
            ModelError: If the model failed or returned a number that is not finite.
        """
        ...


@runtime_checkable
class TextCrossEncoder(Protocol):
    """A cross-encoder that takes texts, not encoded pairs, because it builds its own input."""

    def score_texts(
        self, query: str, texts: Sequence[str], *, on_truncation: OnTruncation = "window"
    ) -> NDArray[np.float64]:
        """Score texts for a query.

        Args:
            query: The query.
            texts: The texts, of any length.
            on_truncation: "error" refuses a text that is too long; otherwise it is cut with a
                warning.

        Returns:
            (n,), raw logits in the order of the texts.

        Raises:
            TextTooLongError: If a text is too long and `on_truncation` is "error".
            ModelError: If the model failed or returned a number that is not finite.
        """
        ...


@runtime_checkable
class Cascade(Protocol):
    """A cross-encoder with a cheap prefilter that can drop hopeless passages."""

    def prefilter_logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs with the prefilter alone.

        Args:
            pairs: See `CrossEncoder.logits`.

        Returns:
            (n,), logits that are comparable only within one query.

        Raises:
            ModelError: If the model failed or returned a number that is not finite.
        """
        ...

    def survivors(
        self,
        logits: Sequence[NDArray[np.float64]],
        top_n: int,
        first_stage: FirstStageScores | None = None,
    ) -> list[NDArray[np.bool_]]:
        """Choose the windows that the cross-encoder scores.

        Args:
            logits: Prefilter logits, (windows,) for each passage.
            top_n: The number of passages wanted, 1 or more.
            first_stage: First-stage scores of the passages, which make the choice more reliable;
                None outside hybrid search.

        Returns:
            Boolean mask, (windows,) for each passage. A dropped passage keeps no window. At least
            `top_n` passages, or all if there are fewer, keep one window or more.
        """
        ...


def check_max_length(max_length: int | None, *, limit: int) -> int:
    """Check a requested length against what the model can read.

    Args:
        max_length: Tokens per pair, special tokens included; None for the limit.
        limit: The longest pair that the model can read.

    Returns:
        The length to use.

    Raises:
        InvalidArgumentError: If the length is not an integer from `MIN_LENGTH` to the limit.
    """
    if max_length is None:
        return limit
    if type(max_length) is not int or not MIN_LENGTH <= max_length <= limit:
        msg = (
            f"Expected a max_length from {MIN_LENGTH} to {limit} tokens, got {max_length!r}. "
            "Leave it out to use the model's own."
        )
        raise InvalidArgumentError(msg)
    return max_length

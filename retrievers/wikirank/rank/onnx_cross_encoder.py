"""The cross-encoder that runs on the CPU without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from wikirank.errors import TextTooLongError
from wikirank.rank.calibration import Calibration
from wikirank.rank.windows import check_max_length
from wikirank.runtime.model_folder import ModelFolder
from wikirank.runtime.session import OnnxSession, Tokens
from wikirank.runtime.tokens import load_tokenizer


class OnnxCrossEncoder:
    """A cross-encoder in ONNX; threads may share it."""

    def __init__(
        self, folder: ModelFolder, *, max_length: int | None = None, batch_size: int = 1
    ) -> None:
        """Open a cross-encoder.

        Args:
            folder: A model folder of kind "cross-encoder", as `read_model_folder` gives it.
            max_length: Longest pair in tokens; the model's own by default, and at most that.
            batch_size: Pairs a run; with 1 a logit does not depend on the other pairs.

        Raises:
            InvalidArgumentError: An argument is out of range.
            ModelError: The model cannot be opened.
        """
        self._description = folder.description
        self._max_length = check_max_length(max_length, limit=folder.description.max_length)
        self._tokenizer = load_tokenizer(folder.tokenizer)
        self._session = OnnxSession(folder, batch_size=batch_size)

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
        """From a logit to a relevance score."""
        return Calibration(self._description.scale, self._description.shift)

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer; never change it."""
        return self._tokenizer

    def logits(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Score texts that are known to fit beside the query.

        Args:
            query: The query.
            texts: The passages, each with its heading if `headings` says so.

        Returns:
            (n,), raw logits in the order of the texts.

        Raises:
            TextTooLongError: A pair exceeds `max_length`; `score_passages` cuts such texts.
            ModelError: The network failed, or gave something that is not a finite number.
        """
        if not texts:
            return np.empty(0)
        pairs = [Tokens.of(self._tokenizer.encode(query, text)) for text in texts]
        longest = max(len(pair.ids) for pair in pairs)
        if longest > self.max_length:
            msg = (
                f"Expected pairs of at most {self.max_length} tokens, got {longest}; cut the text."
            )
            raise TextTooLongError(msg)
        return self._session.run_texts(pairs).astype(np.float64)

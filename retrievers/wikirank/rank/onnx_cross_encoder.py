"""The cross-encoder that runs on the CPU without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from typing_extensions import override

from wikirank.errors import ModelError
from wikirank.rank.base import DescribedCrossEncoder
from wikirank.rank.early_exit import EarlyExitNetwork
from wikirank.rank.windows import check_max_length
from wikirank.runtime.model_folder import ModelFolder
from wikirank.runtime.session import OnnxSession, Tokens, check_batch_size
from wikirank.runtime.tokens import load_tokenizer


class OnnxCrossEncoder(DescribedCrossEncoder):
    """A cross-encoder in ONNX whose network is whole; threads may share it."""

    def __init__(
        self, folder: ModelFolder, *, max_length: int | None = None, batch_size: int = 1
    ) -> None:
        """Open a cross-encoder.

        Args:
            folder: A model folder of kind "cross-encoder", as `read_model_folder` gives it.
            max_length: Longest pair in tokens; the model's own by default, and at most that.
            batch_size: Pairs a run; with 1 a logit does not depend on the other pairs. Networks
                that `wikirank train` exports take one whatever this says, which is fastest.

        Raises:
            InvalidArgumentError: An argument is out of range.
            ModelError: The model cannot be opened, or has an early exit, which is for
                `EarlyExitCrossEncoder`.
        """
        super().__init__(
            folder.description,
            max_length=check_max_length(max_length, limit=folder.description.max_length),
            tokenizer=load_tokenizer(folder.tokenizer),
        )
        self._open(folder, batch_size)

    def _open(self, folder: ModelFolder, batch_size: int) -> None:
        if folder.early_exit:
            msg = f"Expected a network in one file in {folder.path}, got one with an early exit."
            raise ModelError(msg)
        self._session = OnnxSession(folder.networks[0], batch_size=batch_size)

    @override
    def _score(
        self, query: str, texts: Sequence[str], pairs: Sequence[Encoding]
    ) -> NDArray[np.float64]:
        return self._session.run_texts(map(Tokens.of, pairs)).astype(np.float64)


class EarlyExitCrossEncoder(OnnxCrossEncoder):
    """A cross-encoder in ONNX with an early exit; see `wikirank.rank.early_exit`."""

    @override
    def _open(self, folder: ModelFolder, batch_size: int) -> None:
        check_batch_size(batch_size)
        self._network = EarlyExitNetwork(folder)

    def best_logits(self, query: str, texts: Sequence[str], best: int) -> NDArray[np.float64]:
        """Score texts, of which only the best matter, as `ExitsEarly` has it.

        Args:
            query: The query.
            texts: The passages, each with its heading if `headings` says so.
            best: How many texts matter, 1 or more.

        Returns:
            (n,), raw logits, minus infinity for texts that were dropped.

        Raises:
            TextTooLongError: A pair exceeds `max_length`.
            ModelError: The model failed, or gave something that is not a finite number.
        """
        return self._network.best_logits(map(Tokens.of, self._pairs(query, texts)), best)

    @override
    def _score(
        self, query: str, texts: Sequence[str], pairs: Sequence[Encoding]
    ) -> NDArray[np.float64]:
        return self._network.run_texts(map(Tokens.of, pairs))

"""The cross-encoder that runs without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from typing_extensions import override

from wikirank.errors import ModelError
from wikirank.rank.cascade import Prefilter, survivors, with_first_stage
from wikirank.rank.protocol import DescribedCrossEncoder, check_max_length
from wikirank.runtime.combination import FirstStageScores
from wikirank.runtime.model_folder import ModelFolder
from wikirank.runtime.session import OnnxSession, Tokens
from wikirank.runtime.tokens import load_tokenizer


class OnnxCrossEncoder(DescribedCrossEncoder):
    """A cross-encoder in ONNX; threads may share it."""

    def __init__(
        self,
        folder: ModelFolder,
        *,
        max_length: int | None = None,
        batch_size: int = 1,
        device: str | None = None,
    ) -> None:
        """Open a cross-encoder.

        Args:
            folder: A model folder of kind "cross-encoder", as `read_model_folder` gives it.
            max_length: Longest pair in tokens; the model's own by default, and at most that.
            batch_size: Pairs a run; with 1 a logit does not depend on the other pairs. Networks
                that `wikirank train` exports take one whatever this says, which is fastest.
            device: "cpu", "cuda" or "cuda:1"; None is the CPU.

        Raises:
            InvalidArgumentError: If an argument is out of range.
            MissingExtraError: If ONNX Runtime, as it is installed, cannot run on the device.
            ModelError: If the model cannot be opened.
        """
        super().__init__(
            folder.description,
            max_length=check_max_length(max_length, limit=folder.description.max_length),
            tokenizer=load_tokenizer(folder.tokenizer),
        )
        self.languages = folder.languages
        self._session = OnnxSession(folder.network, batch_size=batch_size, device=device)

    @override
    def _score(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        texts = [Tokens.of(pair) for pair in pairs]
        logits = self._session.run_longest_first(texts).astype(np.float64)
        if logits.size != len(texts):
            msg = f"Expected one logit a pair from {self.model_id}, got {logits[0].size} numbers."
            raise ModelError(msg)
        return logits.reshape(len(texts))  # Networks of the hub give a column.


class CascadeCrossEncoder(OnnxCrossEncoder):
    """A cross-encoder in ONNX with a prefilter before it; see `wikirank.rank.cascade`."""

    def __init__(
        self,
        folder: ModelFolder,
        *,
        max_length: int | None = None,
        batch_size: int = 1,
        device: str | None = None,
    ) -> None:
        """Open a cross-encoder and its prefilter.

        Args:
            folder: A model folder with a prefilter.
            max_length: See `OnnxCrossEncoder`.
            batch_size: Likewise.
            device: Likewise; the prefilter runs on the CPU.

        Raises:
            InvalidArgumentError: If an argument is out of range.
            MissingExtraError: If ONNX Runtime, as it is installed, cannot run on the device.
            ModelError: If a network cannot be opened, or there is no prefilter.
        """
        super().__init__(folder, max_length=max_length, batch_size=batch_size, device=device)
        file, rules = folder.prefilter, folder.description.prefilter
        if file is None or rules is None:
            msg = f"Expected a model with a prefilter in {folder.path}, got one without."
            raise ModelError(msg)
        self._prefilter, self._rules = Prefilter(file), rules

    def prefilter_logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs by the prefilter alone; see `Prefilter.logits`."""
        return self._prefilter.logits(map(Tokens.of, pairs))

    def survivors(
        self,
        logits: Sequence[NDArray[np.float64]],
        top_n: int,
        first_stage: FirstStageScores | None = None,
    ) -> list[NDArray[np.bool_]]:
        """Which windows of which passages to score after the prefilter, as `Cascade` has it.

        Args:
            logits: Of each passage (its windows,), by the prefilter.
            top_n: How many passages matter, 1 or more.
            first_stage: What hybrid search knows of them.

        Returns:
            Of each passage (its windows,): none if it is dropped. If not, the best and those that
            would go on for themselves.
        """
        rule = self._rules.alone
        highest = values = np.array([windows.max() for windows in logits])
        if first_stage is not None and self._rules.hybrid is not None:
            rule = self._rules.hybrid
            values = with_first_stage(highest, first_stage, rule)
        left = np.isin(np.arange(len(logits)), survivors(values, top_n, rule))
        # By the same margin, each with what the first stage adds to its passage.
        least = np.minimum(values.max() - rule.margin - (values - highest), highest)
        return [on & (windows >= low) for on, windows, low in zip(left, logits, least, strict=True)]

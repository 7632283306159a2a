"""Cross-encoders on ONNX Runtime, without torch."""

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
    """A cross-encoder on ONNX Runtime; threads may share it."""

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
            folder: A model folder of kind "cross-encoder", from `read_model_folder`.
            max_length: Longest pair in tokens, at most the model's own limit, which is the default.
            batch_size: Pairs per run. With 1 a logit does not depend on the other pairs. Networks
                exported by `wikirank train` always run one pair at a time, which is fastest.
            device: "cpu", "cuda" or "cuda:1"; None for the CPU.

        Raises:
            InvalidArgumentError: If an argument is out of range.
            MissingExtraError: If the installed ONNX Runtime cannot run on the device.
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
        tokens = [Tokens.of(pair) for pair in pairs]
        logits = self._session.run_longest_first(tokens).astype(np.float64)
        if logits.size != len(tokens):
            msg = (
                f"Expected one logit per pair from {self.model_id}, got {logits[0].size} numbers. "
                "Name a reranker with one label."
            )
            raise ModelError(msg)
        return logits.reshape(len(tokens))  # Networks from the hub return a column.


class CascadeCrossEncoder(OnnxCrossEncoder):
    """A cross-encoder on ONNX Runtime with a prefilter; see `wikirank.rank.cascade`."""

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
            batch_size: See `OnnxCrossEncoder`.
            device: See `OnnxCrossEncoder`; the prefilter always runs on the CPU.

        Raises:
            InvalidArgumentError: If an argument is out of range.
            MissingExtraError: If the installed ONNX Runtime cannot run on the device.
            ModelError: If a network cannot be opened, or there is no prefilter.
        """
        super().__init__(folder, max_length=max_length, batch_size=batch_size, device=device)
        file, rules = folder.prefilter, folder.description.prefilter
        if file is None or rules is None:
            msg = (
                f"Expected a model with a prefilter in {folder.path}, got one without. "
                "Use OnnxCrossEncoder."
            )
            raise ModelError(msg)
        self._prefilter, self._rules = Prefilter(file), rules

    def prefilter_logits(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        """Score pairs with the prefilter alone; see `Prefilter.logits`."""
        return self._prefilter.logits(map(Tokens.of, pairs))

    def survivors(
        self,
        logits: Sequence[NDArray[np.float64]],
        top_n: int,
        first_stage: FirstStageScores | None = None,
    ) -> list[NDArray[np.bool_]]:
        """Choose the windows that the cross-encoder scores; see `Cascade`.

        Args:
            logits: Prefilter logits, (windows,) for each passage.
            top_n: The number of passages wanted, 1 or more.
            first_stage: First-stage scores of the passages, in hybrid search.

        Returns:
            Boolean mask, (windows,) for each passage. A dropped passage keeps no window. Others
            keep the best window and every window within the rule's margin.
        """
        rule = self._rules.alone
        highest = values = np.array([windows.max() for windows in logits])
        if first_stage is not None and self._rules.hybrid is not None:
            rule = self._rules.hybrid
            values = with_first_stage(highest, first_stage, rule)
        surviving = np.isin(np.arange(len(logits)), survivors(values, top_n, rule))
        # The same margin, less what the first stage adds to the passage.
        minimum = np.minimum(values.max() - rule.margin - (values - highest), highest)
        return [
            survives & (windows >= lowest)
            for survives, windows, lowest in zip(surviving, logits, minimum, strict=True)
        ]

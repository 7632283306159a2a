"""The cross-encoder that runs on the CPU without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from typing_extensions import override

from wikirank.rank.base import DescribedCrossEncoder
from wikirank.rank.early_exit import EarlyExitNetwork
from wikirank.rank.windows import check_max_length
from wikirank.runtime.model_folder import ModelFolder
from wikirank.runtime.session import OnnxSession, Tokens, check_batch_size
from wikirank.runtime.tokens import load_tokenizer


class OnnxCrossEncoder(DescribedCrossEncoder):
    """A cross-encoder in ONNX; threads may share it."""

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
            ModelError: The model cannot be opened.
        """
        super().__init__(
            folder.description,
            max_length=check_max_length(max_length, limit=folder.description.max_length),
            tokenizer=load_tokenizer(folder.tokenizer),
        )
        check_batch_size(batch_size)
        parts, margin = folder.early_exit, folder.description.exit_margin
        self._network: EarlyExitNetwork | OnnxSession
        if parts is not None and margin is not None:
            self._network = EarlyExitNetwork(parts, margin=margin)
        else:
            self._network = OnnxSession(folder.networks[0], batch_size=batch_size)

    def best_logits(self, query: str, texts: Sequence[str], best: int) -> NDArray[np.float64]:
        """Score texts, of which only the best matter; see `ExitsEarly`."""
        network = self._network
        if not isinstance(network, EarlyExitNetwork):
            return self.logits(query, texts)
        pairs = self._pairs(query, texts)
        return network.best_logits(map(Tokens.of, pairs), best)

    @override
    def _score(
        self, query: str, texts: Sequence[str], pairs: Sequence[Encoding]
    ) -> NDArray[np.float64]:
        return self._network.run_texts(map(Tokens.of, pairs)).astype(np.float64)

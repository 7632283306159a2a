"""The cross-encoder that runs on the CPU without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from typing_extensions import override

from wikirank.rank.base import DescribedCrossEncoder
from wikirank.rank.windows import check_max_length
from wikirank.runtime.model_folder import ModelFolder
from wikirank.runtime.session import OnnxSession, Tokens
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
            batch_size: Pairs a run; with 1 a logit does not depend on the other pairs.

        Raises:
            InvalidArgumentError: An argument is out of range.
            ModelError: The model cannot be opened.
        """
        super().__init__(
            folder.description,
            max_length=check_max_length(max_length, limit=folder.description.max_length),
            tokenizer=load_tokenizer(folder.tokenizer),
        )
        self._session = OnnxSession(folder, batch_size=batch_size)

    @override
    def _score(
        self, query: str, texts: Sequence[str], pairs: Sequence[Encoding]
    ) -> NDArray[np.float64]:
        return self._session.run_texts(map(Tokens.of, pairs)).astype(np.float64)

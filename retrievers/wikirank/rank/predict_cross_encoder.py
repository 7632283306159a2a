"""Cross-encoders that build their own input: language models with prompts and chat templates.

A plain BERT reads two texts between special tokens; this package encodes, pads and cuts them
itself. A reranker based on a language model puts a prompt around both and pads on the left, which
only sentence-transformers' `CrossEncoder.predict` can do. Such a model gets texts, not encoded
pairs.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from typing_extensions import override

from wikirank._util import ForkSafeLock
from wikirank.errors import ModelError, TextTooLongError, TruncationWarning
from wikirank.rank.protocol import DescribedCrossEncoder, check_max_length
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.tokens import plain_tokenizer
from wikirank.types import OnTruncation

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_PLAIN_ENCODERS = frozenset(
    [
        "albert",
        "bert",
        "camembert",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "ernie",
        "modernbert",
        "mpnet",
        "nomic_bert",
        "roberta",
        "xlm-roberta",
        "xlm-roberta-xl",
    ]
)
_MAX_LENGTH = 8192
"""Upper limit of a pair in tokens, because a whole batch must fit into memory."""


def is_plain_encoder(model: CrossEncoder) -> bool:
    """Return whether a model reads two texts between special tokens and nothing else.

    Language models, chat templates, default prompts and left padding make it False.
    """
    config: Any = model.config
    tokenizer: Any = model.tokenizer
    return (
        config.model_type in _PLAIN_ENCODERS
        and tokenizer.padding_side == "right"
        and not getattr(tokenizer, "chat_template", None)
        and not getattr(model, "default_prompt_name", None)
    )


class PredictCrossEncoder(DescribedCrossEncoder):
    """A cross-encoder run by sentence-transformers' `predict`, with its prompts.

    Threads may share it. It has no windows: a passage that is too long is cut with a
    `TruncationWarning`.
    """

    def __init__(
        self,
        model: CrossEncoder,
        description: ModelDescription,
        *,
        max_length: int | None = None,
        batch_size: int = 32,
    ) -> None:
        """Wrap a loaded model.

        Args:
            model: The model that sentence-transformers loaded.
            description: The model description.
            max_length: Longest pair in tokens, prompt included; None for the model's own limit.
            batch_size: Pairs per run.

        Raises:
            InvalidArgumentError: If `max_length` is out of range.
        """
        self._model: Any = model
        # sentence-transformers 6 deprecates the old name, 5 does not have the new one.
        attribute = "max_seq_length" if hasattr(model, "max_seq_length") else "max_length"
        limit = min(getattr(self._model, attribute) or _MAX_LENGTH, _MAX_LENGTH)
        limit = min(limit, self._model.tokenizer.model_max_length)
        setattr(self._model, attribute, check_max_length(max_length, limit=limit))
        super().__init__(
            description,
            max_length=getattr(self._model, attribute),
            tokenizer=plain_tokenizer(self._model.tokenizer.backend_tokenizer.to_str()),
        )
        self._batch_size = batch_size
        self._lock = ForkSafeLock()

    @override
    def _score(self, pairs: Sequence[Encoding]) -> NDArray[np.float64]:
        msg = f"Expected texts for {self.model_id}, got encoded pairs. Use score_passages."
        raise ModelError(msg)

    def score_texts(
        self, query: str, texts: Sequence[str], *, on_truncation: OnTruncation = "window"
    ) -> NDArray[np.float64]:
        """Score texts for a query; see `TextCrossEncoder`."""
        if not texts:
            return np.empty(0)
        pairs = [(query, text) for text in texts]
        try:
            with self._lock:
                self._report_long(pairs, on_truncation)
                logits = self._predict(pairs)
        except TextTooLongError:
            raise
        except Exception as err:
            msg = f"{self.model_id} failed on {len(pairs)} pairs: {err}"
            raise ModelError(msg) from err
        return self._check_finite(logits)

    def _predict(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        import torch

        scores = self._model.predict(
            pairs,
            batch_size=self._batch_size,
            show_progress_bar=False,
            activation_fn=torch.nn.Identity(),
        )
        return np.asarray(scores, dtype=np.float64).reshape(len(pairs))

    def _report_long(self, pairs: Sequence[tuple[str, str]], on_truncation: OnTruncation) -> None:
        """Warn about passages that the model will cut, or raise with `on_truncation="error"`."""
        encoded = self._tokenizer.encode_batch_fast(list(pairs), add_special_tokens=False)
        long = [
            index
            for index, pair in enumerate(encoded)
            if self._prompt_length + len(pair) > self.max_length
        ]
        if not long:
            return
        msg = (
            f"{len(long)} of {len(pairs)} passages exceed the {self.max_length} tokens of "
            f"{self.model_id} with the query, the first at position {long[0]}. "
        )
        if on_truncation == "error":
            raise TextTooLongError(msg + "Shorten them, or choose another on_truncation.")
        warnings.warn(msg + "Their ends were cut off.", TruncationWarning, stacklevel=4)

    @cached_property
    def _prompt_length(self) -> int:
        """Tokens around query and passage: special tokens, prompt, chat template."""
        if not hasattr(self._model, "preprocess"):  # sentence-transformers 5
            return self._tokenizer.num_special_tokens_to_add(is_pair=True)
        prompt = self._model.prompts.get(self._model.default_prompt_name)
        return int(self._model.preprocess([("", "")], prompt=prompt)["input_ids"].shape[1])

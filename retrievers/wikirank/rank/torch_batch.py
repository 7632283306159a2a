"""Encoded pairs as the tensors that a network takes.

transformers' tokenizers do the same, but walk through every token in Python: on a GPU that takes
several times as long as the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Encoding

if TYPE_CHECKING:
    from torch import Tensor

_ENCODED = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}
"""What a network is given, and what an `Encoding` calls it."""


def padded_batch(pairs: Sequence[Encoding], tokenizer: Any) -> dict[str, Tensor]:
    """Put pairs into tensors, the shorter ones padded at their ends.

    Args:
        pairs: At least one, not padded.
        tokenizer: transformers' tokenizer of the model, which names what the network is given.

    Returns:
        int64 tensors by name, each (pairs, tokens of the longest).
    """
    import torch

    width = max(len(pair.ids) for pair in pairs)
    batch = {}
    for name in tokenizer.model_input_names:
        if name in _ENCODED:
            padding = tokenizer.pad_token_id if name == "input_ids" else 0
            rows = np.full((len(pairs), width), padding, dtype=np.int64)
            for row, pair in zip(rows, pairs, strict=True):
                row[: len(pair.ids)] = getattr(pair, _ENCODED[name])
            batch[name] = torch.from_numpy(rows)
    return batch

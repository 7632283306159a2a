"""Texts cut in windows that fit a model, and the vector of a text from theirs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer


def text_windows(tokenizer: Tokenizer, text: str, room: int | None) -> list[tuple[str, int]]:
    """Parts of a text, of even size, within so many tokens, and the tokens of each."""
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    if room is None or len(offsets) <= room:
        return [(text, len(offsets))]
    bounds = even_windows(len(offsets), room)
    return [(text[offsets[a][0] : offsets[b - 1][1]], b - a) for a, b in bounds]


def even_windows(length: int, room: int) -> list[tuple[int, int]]:
    """First and last position of each of the windows of even size that so many tokens fill."""
    parts = max(1, -(-length // room))
    return list(pairwise(length * part // parts for part in range(parts + 1)))


def weighted_means(
    vectors: NDArray[np.float32], lengths: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """The mean of the vectors of each text's windows.

    Args:
        vectors: (windows, dim), rows of length 1, text after text.
        lengths: Of each text, the tokens of its windows, which weigh them; at least one.

    Returns:
        (texts, dim), rows of length 1; a single vector as it is.
    """
    rows = np.empty((len(lengths), vectors.shape[1]), dtype=np.float32)
    ends = np.cumsum([len(weights) for weights in lengths], dtype=np.int64)
    for row, (weights, end) in enumerate(zip(lengths, ends, strict=True)):
        own = vectors[end - len(weights) : end]
        rows[row] = own[0] if len(own) == 1 else np.array(weights, dtype=np.float32) @ own
        if len(own) > 1:
            rows[row] /= np.linalg.norm(rows[row])
    return rows

"""Cut texts into windows that fit a model, and merge the windows' vectors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer


def text_windows(tokenizer: Tokenizer, text: str, room: int | None) -> list[tuple[str, int]]:
    """Cut a text into windows of equal size, at most `room` tokens; return each with its length."""
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    if room is None or len(offsets) <= room:
        return [(text, len(offsets))]
    return [
        (text[offsets[start][0] : offsets[end - 1][1]], end - start)
        for start, end in even_windows(len(offsets), room)
    ]


def even_windows(length: int, room: int) -> list[tuple[int, int]]:
    """Divide `length` tokens into the fewest windows of equal size; return starts and ends."""
    count = max(1, -(-length // room))
    return list(pairwise(length * window // count for window in range(count + 1)))


def weighted_means(
    vectors: NDArray[np.float32], lengths: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """Average the vectors of each text's windows.

    Args:
        vectors: (windows, dim), rows of norm 1, the windows of one text after another's.
        lengths: For each text, the token counts of its windows (one or more), used as weights.

    Returns:
        (texts, dim), rows of norm 1; the vector of a single window is unchanged.
    """
    rows = np.empty((len(lengths), vectors.shape[1]), dtype=np.float32)
    ends = np.cumsum([len(weights) for weights in lengths], dtype=np.int64)
    for row, (weights, end) in enumerate(zip(lengths, ends, strict=True)):
        windows = vectors[end - len(weights) : end]
        rows[row] = windows[0] if len(windows) == 1 else np.array(weights, np.float32) @ windows
        if len(windows) > 1:
            rows[row] /= np.linalg.norm(rows[row])
    return rows

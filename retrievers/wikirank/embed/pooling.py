"""One vector of the windows of a long text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def weighted_mean(vectors: NDArray[np.float32], lengths: Sequence[int]) -> NDArray[np.float32]:
    """The mean of the vectors of a text's windows, of length 1.

    Args:
        vectors: (windows, dim), rows of length 1; at least one.
        lengths: Tokens of each window, its weight.

    Returns:
        (dim,), of length 1; a single vector as it is.
    """
    mean: NDArray[np.float32] = vectors[0]
    if len(vectors) == 1:
        return mean
    mean = np.array(lengths, dtype=np.float32) @ vectors
    mean /= np.linalg.norm(mean)
    return mean

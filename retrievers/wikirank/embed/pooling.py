"""From the vectors of a text's tokens to its own, as sentence-transformers pools them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Pooling = Callable[[Floats, Floats], Floats]


def _first(hidden: Floats, mask: Floats) -> Floats:  # noqa: ARG001
    first: Floats = hidden[:, 0]
    return first


def _last(hidden: Floats, mask: Floats) -> Floats:
    last: Floats = hidden[np.arange(len(hidden)), mask.sum(axis=1).astype(np.int64) - 1]
    return last


def _max(hidden: Floats, mask: Floats) -> Floats:
    highest: Floats = np.where(mask[..., None] > 0, hidden, -np.inf).max(axis=1)
    return highest


def _mean(hidden: Floats, mask: Floats) -> Floats:
    mean: Floats = np.einsum("bth,bt->bh", hidden, mask) / mask.sum(axis=1, keepdims=True)
    return mean


def _mean_root(hidden: Floats, mask: Floats) -> Floats:
    mean: Floats = _mean(hidden, mask) * np.sqrt(mask.sum(axis=1, keepdims=True))
    return mean


def _weighted(hidden: Floats, mask: Floats) -> Floats:
    return _mean(hidden, mask * np.arange(1, mask.shape[1] + 1, dtype=np.float32))


_MODES: Mapping[str, Pooling] = {
    "cls": _first,
    "lasttoken": _last,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_root,
    "weightedmean": _weighted,
}
# As models saved before sentence-transformers 6 name them, in the order of their vectors.
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def pooling_modes(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """How a model pools.

    Args:
        config: Its `1_Pooling/config.json`.

    Returns:
        The modes, whose vectors are joined; None if it pools in a way that is not known here.
    """
    told = config.get("pooling_mode")
    if told is None:
        told = [mode for flag, mode in _FLAGS.items() if config.get(flag)] or "mean"
    modes = (told,) if isinstance(told, str) else tuple(told)
    if config.get("include_prompt") is False or not set(modes) <= set(_MODES):
        return None
    return modes


def pool(hidden: Floats, mask: NDArray[np.int64], modes: tuple[str, ...]) -> Floats:
    """Vectors (texts, width a mode) of tokens' (texts, tokens, width); the mask is 0 at padding."""
    weights = mask.astype(np.float32)
    return np.concatenate([_MODES[mode](hidden, weights) for mode in modes], axis=1)

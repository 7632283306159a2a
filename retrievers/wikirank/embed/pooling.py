"""Pool token vectors into a text vector, in the ways of sentence-transformers."""

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
# Names used by models saved before sentence-transformers 6, in the order of their vectors.
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def pooling_modes(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return a model's pooling modes.

    Args:
        config: The model's `1_Pooling/config.json`.

    Returns:
        The modes, whose vectors are concatenated; None if a mode is not supported.
    """
    named = config.get("pooling_mode")
    if named is None:
        named = [mode for flag, mode in _FLAGS.items() if config.get(flag)] or "mean"
    modes = (named,) if isinstance(named, str) else tuple(named)
    if config.get("include_prompt") is False or not set(modes) <= set(_MODES):
        return None
    return modes


def pool(hidden: Floats, mask: NDArray[np.int64], modes: tuple[str, ...]) -> Floats:
    """Pool (texts, tokens, width) to (texts, width * modes); the mask is 0 for padding."""
    weights = mask.astype(np.float32)
    return np.concatenate([_MODES[mode](hidden, weights) for mode in modes], axis=1)

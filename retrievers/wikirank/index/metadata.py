"""Decide which metadata of a passage can be stored, and which a filter can use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

from wikirank.errors import InvalidArgumentError
from wikirank.index.filters import LIST_MARK, can_be_stored, is_scalar
from wikirank.types import Passage

# Metadata keys of one passage that a filter can use. With 5,461 keys Chroma fails to apply the
# record and all records after it.
MAX_FILTER_KEYS = 256
_MAX_DEPTH = 50


def filterable(metadata: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Return the metadata of a passage that Chroma can store and a filter can use."""
    kept = {k: v for k, v in metadata.items() if is_scalar(v) and not _fault(k, v)}
    return kept if len(kept) <= MAX_FILTER_KEYS else dict(islice(kept.items(), MAX_FILTER_KEYS))


def filter_keys(metadata: Mapping[str, Any]) -> set[str]:
    """Return the filterable keys as an index records them: keys of lists with `LIST_MARK`."""
    lists = (k for k, v in metadata.items() if _has_scalars(v) and not _fault(k, ""))
    marked = (f"{LIST_MARK}{key}" for key in islice(lists, MAX_FILTER_KEYS))
    return {*filterable(metadata), *marked}


def _has_scalars(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(is_scalar(part) for part in value)


def unfilterable(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the scalar metadata that no filter can use: the reason by key."""
    faults = {k: _fault(k, v) for k, v in metadata.items() if is_scalar(v)}
    left_out = {key: fault for key, fault in faults.items() if fault}
    if (beyond := len(faults) - len(left_out) - MAX_FILTER_KEYS) > 0:
        left_out[f"the last {beyond}"] = f"more than {MAX_FILTER_KEYS} keys"
    return left_out


def _fault(key: str, value: str | int | float) -> str:
    """Return why Chroma would reject or alter a key and its value; "" if it would not."""
    if not key or key.startswith(("$", "#", "chroma:")):
        return "a key may not be empty or begin with $, # or chroma:"
    if not can_be_stored(key):
        return "the key is not valid Unicode"
    if not can_be_stored(value):
        return "the value is not finite, over 64 bits, or not valid Unicode"
    return ""


def storable(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Convert an article's metadata to what JSON can store.

    Args:
        metadata: Metadata of any depth.

    Returns:
        The metadata, with None for numbers that are not finite and without values that are nested
        too deep. Then the reasons for the changes, by key.
    """
    kept: dict[str, Any] = {}
    changed: dict[str, str] = {}
    for key, value in metadata.items():
        try:
            kept[key] = _finite(value, 0)
        except _TooDeepError:
            changed[key] = f"nested more than {_MAX_DEPTH} deep"
            continue
        if kept[key] != value:
            changed[key] = "the value is not finite"
    return kept, changed


def refuse_deep(passage: Passage) -> None:
    """Raise InvalidArgumentError if metadata is nested too deep to be hashed, stored or read."""
    if deep := too_deep(passage.metadata):
        msg = (
            f"Expected metadata nested at most {_MAX_DEPTH} deep, got {deep[0]!r} of passage "
            f"{passage.id!r} of article {passage.article!r}. Flatten it, or leave it out."
        )
        raise InvalidArgumentError(msg)


def too_deep(metadata: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values are nested too deep."""
    return [key for key, value in metadata.items() if _is_too_deep(value)]


def _is_too_deep(value: Any) -> bool:
    try:
        _finite(value, 0)
    except _TooDeepError:
        return True
    return False


class _TooDeepError(Exception):
    """Metadata is nested too deep."""


def _finite(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise _TooDeepError
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(part, depth + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = (_finite(part, depth + 1) for part in value)
        return tuple(parts) if isinstance(value, tuple) else list(parts)
    return value

"""Which metadata of a passage can be stored, and which of it a filter can name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

from wikirank.errors import InvalidArgumentError
from wikirank.index.filters import LIST_MARK, can_be_stored, is_scalar
from wikirank.types import Passage

# Metadata keys of one passage that a filter can name. At 5,461 Chroma fails to apply the record,
# and with it all that come after.
MOST_KEYS = 256
_DEEPEST = 50


def filterable(metadata: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """The part of a passage's metadata that Chroma can hold and a filter can name."""
    kept = {k: v for k, v in metadata.items() if is_scalar(v) and not _fault(k, v)}
    return kept if len(kept) <= MOST_KEYS else dict(islice(kept.items(), MOST_KEYS))


def filter_keys(metadata: Mapping[str, Any]) -> set[str]:
    """The keys that a filter can name as an index records them, those of lists marked as such."""
    lists = (k for k, v in metadata.items() if _is_listed(v) and not _fault(k, ""))
    marked = (f"{LIST_MARK}{key}" for key in islice(lists, MOST_KEYS))
    return {*filterable(metadata), *marked}


def _is_listed(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(is_scalar(part) for part in value)


def unfilterable(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Keys of metadata that no filter can name though they are no list or map, and why."""
    faults = {k: _fault(k, v) for k, v in metadata.items() if is_scalar(v)}
    left_out = {key: fault for key, fault in faults.items() if fault}
    if (beyond := len(faults) - len(left_out) - MOST_KEYS) > 0:
        left_out[f"the last {beyond}"] = f"more than {MOST_KEYS} keys"
    return left_out


def _fault(key: str, value: str | int | float) -> str:
    """Why Chroma would refuse, or alter, a key with its value; empty if it would not."""
    if not key or key.startswith(("$", "#", "chroma:")):
        return "a key may not be empty or begin with $, # or chroma:"
    if not can_be_stored(key):
        return "the key is not valid Unicode"
    if not can_be_stored(value):
        return "the value is not finite, over 64 bits, or not valid Unicode"
    return ""


def storable(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """An article's metadata as JSON can hold it.

    Args:
        metadata: The metadata.

    Returns:
        The metadata, with None for numbers that are not finite and without what is nested too deep;
        and the reasons by key of what was changed.
    """
    kept: dict[str, Any] = {}
    changed: dict[str, str] = {}
    for key, value in metadata.items():
        try:
            kept[key] = _finite(value, 0)
        except _TooDeepError:
            changed[key] = f"nested over {_DEEPEST} deep"
            continue
        if kept[key] != value:
            changed[key] = "the value is not finite"
    return kept, changed


def refuse_deep(passage: Passage) -> None:
    """Refuse a passage with metadata that is nested too deep to be hashed, stored or read."""
    if deep := too_deep(passage.metadata):
        msg = (
            f"Expected metadata nested at most {_DEEPEST} deep, got deeper {deep[0]!r} of passage "
            f"{passage.id!r} of article {passage.article!r}. Flatten it, or leave it out."
        )
        raise InvalidArgumentError(msg)


def too_deep(metadata: Mapping[str, Any]) -> list[str]:
    """The keys of metadata whose values are nested too deep."""
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
    if depth > _DEEPEST:
        raise _TooDeepError
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(part, depth + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = (_finite(part, depth + 1) for part in value)
        return tuple(parts) if isinstance(value, tuple) else list(parts)
    return value

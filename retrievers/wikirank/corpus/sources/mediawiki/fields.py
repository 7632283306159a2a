"""The fields of an API's answer, whatever stands in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wikirank.errors import CorpusError

Fields = Mapping[str, Any]


def section(answer: Fields, *path: str) -> Fields:
    """The map at a path within an answer.

    Args:
        answer: The answer, or a part of it.
        *path: Names of maps within each other.

    Returns:
        The map; empty where there is none.

    Raises:
        CorpusError: If something else stands there.
    """
    value: Any = answer
    for depth, key in enumerate(path):
        value = value.get(key)
        # PHP writes an empty map as an empty list.
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            raise malformed(value, ".".join(path[: depth + 1]), "a map")
    fields: Fields = value
    return fields


def entries(answer: Fields, *path: str) -> list[Fields]:
    """The list of maps at a path within an answer.

    Args:
        answer: The answer, or a part of it.
        *path: Names of maps within each other, and of the list.

    Returns:
        The maps; empty where there is no list.

    Raises:
        CorpusError: If something else stands there.
    """
    *above, name = path
    value = section(answer, *above).get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise malformed(value, ".".join(path), "a list of maps")
    return value


def text(entry: Fields, name: str) -> str:
    """A field that must be text; CorpusError otherwise."""
    value = entry.get(name)
    if not isinstance(value, str):
        raise malformed(value, name, "text")
    return value


def number(entry: Fields, name: str, default: int | None = None) -> int:
    """A field that must be a whole number, where it is there or has no default; CorpusError."""
    value = entry.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise malformed(value, name, "a whole number")
    return value


def malformed(got: object, name: str, expected: str) -> CorpusError:
    """The error for a field that no MediaWiki answers with."""
    shown = " ".join(repr(got).split())[:60]
    msg = (
        f"Expected {expected} in the field {name!r} of the API's answer, got {shown}. "
        "Check that the address is that of a MediaWiki of 1.25 or later."
    )
    return CorpusError(msg)

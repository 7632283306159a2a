"""Read typed fields from an API's answer; an unexpected type raises CorpusError."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wikirank.errors import CorpusError

Fields = Mapping[str, Any]


def section(answer: Fields, *path: str) -> Fields:
    """Return the map at a path of keys; empty if there is none, CorpusError if it is no map."""
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
    """Return the list of maps at a path of keys; empty if there is none, CorpusError otherwise."""
    *parents, name = path
    value = section(answer, *parents).get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise malformed(value, ".".join(path), "a list of maps")
    return value


def text(entry: Fields, name: str) -> str:
    """Return a field that must be text; CorpusError otherwise."""
    value = entry.get(name)
    if not isinstance(value, str):
        raise malformed(value, name, "text")
    return value


def number(entry: Fields, name: str, default: int | None = None) -> int:
    """Return a whole number, or the default if the field is missing; CorpusError otherwise."""
    value = entry.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise malformed(value, name, "a whole number")
    return value


def malformed(got: object, name: str, expected: str) -> CorpusError:
    """Make the error for a field of the wrong type, which no MediaWiki sends."""
    shown = " ".join(repr(got).split())[:60]
    msg = (
        f"Expected {expected} in the field {name!r} of the API's answer, got {shown}. "
        "Check that the URL is that of a MediaWiki 1.25 or later."
    )
    return CorpusError(msg)

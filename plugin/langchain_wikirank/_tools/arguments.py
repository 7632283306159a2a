"""Types of tool arguments: short JSON schemas for chat models, lenient parsing of their calls."""

from __future__ import annotations

import ast
import json
from contextlib import suppress
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from wikirank.search.phrases import LONGEST_PATTERN

_RUNTIME = "runtime"  # argument in which tool nodes pass the state of an agent
_NULL_WORDS = frozenset({"", "null", "none", "undefined"})
_MAX_PASSAGES = 50
_MAX_TITLES = 100
_MAX_TITLE_CHARS = 1000
_MAX_FILTER_CHARS = 10_000


def or_null(kind: str) -> dict[str, Any]:
    """Return the JSON schema of a type that may be null."""
    return {"anyOf": [{"type": kind}, {"type": "null"}]}


def optional_field(description: str) -> Any:
    """Declare an argument that is None if the chat model omits it."""
    return Field(default_factory=lambda: None, description=description)


def null_to_none(value: Any) -> Any:
    """Turn "", "null", False and empty containers into None, and strip text."""
    if isinstance(value, str):
        value = value.strip()
        return None if value.lower() in _NULL_WORDS else value
    return None if value is False or value in ([], {}) else value


def as_text(value: Any) -> Any:
    """Turn a number or a list of texts into text; validation rejects anything else."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else value


def as_text_or_none(value: Any) -> Any:
    """Turn a value into text, or into None if it means nothing."""
    return as_text(null_to_none(value))


def as_count(value: Any) -> Any:
    """Turn 0, negative numbers and values that mean nothing into None."""
    value = null_to_none(value)
    try:
        return None if value is None or float(value) <= 0 else value
    except (TypeError, ValueError, OverflowError):
        return value


def as_filter(value: Any) -> Any:
    """Read a filter from a dictionary, a list of them, or JSON or a Python literal of these."""
    value = null_to_none(value)
    if isinstance(value, str):
        value = null_to_none(_parsed_filter(value))
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        value = {"$and": value} if len(value) > 1 else value[0]
    return value


def _parsed_filter(text: str) -> Any:
    if len(text) > _MAX_FILTER_CHARS:
        msg = f"Expected at most {_MAX_FILTER_CHARS} characters, got {len(text)}"
        raise ValueError(msg)
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return ast.literal_eval(text)
    msg = 'Expected a JSON object such as {"year": {"$gte": 1900}}'
    raise ValueError(msg)


# Chat models read the schemas at every turn, so these omit defaults and limits that models hardly
# ever exceed. A call beyond a limit gets an error that names it. Optional arguments may be null,
# because OpenAI's strict mode always passes every argument.
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    BeforeValidator(as_text),
    WithJsonSchema({"type": "string"}),
]
"""Text that is not blank."""

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_TITLE_CHARS),
    BeforeValidator(as_text),
    WithJsonSchema({"type": "string"}),
]
"""Title or address of a page."""

Pattern = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_PATTERN),
    BeforeValidator(as_text),
    WithJsonSchema({"type": "string"}),
]
"""A phrase or a regular expression."""

TextOrNone = Annotated[
    Annotated[str, StringConstraints(max_length=_MAX_TITLE_CHARS)] | None,
    BeforeValidator(as_text_or_none),
    WithJsonSchema(or_null("string")),
]
"""A name that the model may omit."""

Position = Annotated[int | None, BeforeValidator(as_count), WithJsonSchema(or_null("integer"))]
"""A position in a page that the model may omit."""

Number = Annotated[
    Annotated[int, Field(le=_MAX_PASSAGES)] | None,
    BeforeValidator(as_count),
    WithJsonSchema(or_null("integer")),
]
"""A number of passages that the model may omit."""

YesOrNo = Annotated[bool | None, BeforeValidator(null_to_none), WithJsonSchema(or_null("boolean"))]
"""A flag that the model may omit, which means no."""


TitlesNumber = Annotated[
    Annotated[int, Field(le=_MAX_TITLES)] | None,
    BeforeValidator(as_count),
    WithJsonSchema(or_null("integer")),
]
"""A number of titles that the model may omit."""

Score = Annotated[
    float | None,
    Field(ge=0, le=1),
    BeforeValidator(null_to_none),
    WithJsonSchema(or_null("number")),
]
"""A relevance score that the model may omit."""

Filter = Annotated[
    dict[str, Any] | None, BeforeValidator(as_filter), WithJsonSchema(or_null("string"))
]
"""Metadata filter; a string in the schema, because strict mode forbids unknown keys."""


class ToolInput(BaseModel):
    """Base class of tool arguments; it removes the `runtime` that tool nodes add."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_runtime(cls, arguments: Any) -> Any:
        if isinstance(arguments, dict) and hasattr(arguments.get(_RUNTIME), "state"):
            return {name: value for name, value in arguments.items() if name != _RUNTIME}
        return arguments

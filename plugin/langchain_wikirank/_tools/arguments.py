"""Arguments of tools: what a chat model is told of them, and what is read of what it sends."""

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

_RUNTIME = "runtime"  # the name of the argument in which tool nodes give an agent's state
_NOTHING = frozenset({"", "null", "none", "undefined"})
_MOST_PASSAGES = 50
_MOST_TITLES = 100
_LONGEST_TITLE = 1000  # characters
_LONGEST_FILTER = 10_000  # characters


def or_null(kind: str) -> dict[str, Any]:
    """The JSON schema of a type that may be null."""
    return {"anyOf": [{"type": kind}, {"type": "null"}]}


def optional_field(description: str) -> Any:
    """A field of arguments that is None where the chat model leaves it out."""
    return Field(default_factory=lambda: None, description=description)


def as_meant(value: Any) -> Any:
    """An argument as it is meant: None for null, "" or "null"; text without white space around."""
    if isinstance(value, str):
        value = value.strip()
        return None if value.lower() in _NOTHING else value
    return None if value is False or value in ([], {}) else value


def as_text(value: Any) -> Any:
    """Text, of a number or a list of texts too; anything else as it is, to be refused."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else value


def as_text_or_none(value: Any) -> Any:
    """Text, or None for what stands for nothing."""
    return as_text(as_meant(value))


def as_count(value: Any) -> Any:
    """A number over 0, or None for what stands for nothing, as 0 does."""
    value = as_meant(value)
    try:
        return None if value is None or float(value) <= 0 else value
    except (TypeError, ValueError, OverflowError):
        return value


def as_filter(value: Any) -> Any:
    """A filter from a map, from JSON or a Python literal of one, or from a list of them."""
    value = as_meant(value)
    if isinstance(value, str):
        value = as_meant(_parsed_filter(value))
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        value = {"$and": value} if len(value) > 1 else value[0]
    return value


def _parsed_filter(text: str) -> Any:
    if len(text) > _LONGEST_FILTER:
        msg = f"Expected at most {_LONGEST_FILTER} characters"
        raise ValueError(msg)
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    with suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return ast.literal_eval(text)
    msg = 'Expected a JSON object such as {"year": {"$gte": 1900}}'
    raise ValueError(msg)


# A chat model is sent the schemas at every turn: limits that it will hardly ever break, and
# defaults, are left out of them. A call that breaks a limit is answered with what it is. What may
# be left out may be null, as OpenAI's strict mode has every argument given.
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    BeforeValidator(as_text),
    WithJsonSchema({"type": "string"}),
]
"""Text that is not blank."""

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST_TITLE),
    BeforeValidator(as_text),
    WithJsonSchema({"type": "string"}),
]
"""Text that names a page."""

Pattern = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_PATTERN),
    BeforeValidator(as_text),
    WithJsonSchema({"type": "string"}),
]
"""A phrase or an expression."""

TextOrNone = Annotated[
    Annotated[str, StringConstraints(max_length=_LONGEST_TITLE)] | None,
    BeforeValidator(as_text_or_none),
    WithJsonSchema(or_null("string")),
]
"""A name that the model may leave out."""

Position = Annotated[int | None, BeforeValidator(as_count), WithJsonSchema(or_null("integer"))]
"""A place in a page that the model may leave out."""

Number = Annotated[
    Annotated[int, Field(le=_MOST_PASSAGES)] | None,
    BeforeValidator(as_count),
    WithJsonSchema(or_null("integer")),
]
"""A number of passages that the model may leave out."""

YesOrNo = Annotated[bool | None, BeforeValidator(as_meant), WithJsonSchema(or_null("boolean"))]
"""A choice that is no where the model leaves it out."""


TitlesNumber = Annotated[
    Annotated[int, Field(le=_MOST_TITLES)] | None,
    BeforeValidator(as_count),
    WithJsonSchema(or_null("integer")),
]
"""A number of titles that the model may leave out."""

Score = Annotated[
    float | None,
    Field(ge=0, le=1),
    BeforeValidator(as_meant),
    WithJsonSchema(or_null("number")),
]
"""A relevance score that the model may leave out."""

Filter = Annotated[
    dict[str, Any] | None, BeforeValidator(as_filter), WithJsonSchema(or_null("string"))
]
"""Conditions on metadata: text in the schema, as strict mode has no maps of unknown keys."""


class ToolInput(BaseModel):
    """Arguments of a tool; what an agent's tool node adds to them is taken out again."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_runtime(cls, arguments: Any) -> Any:
        if isinstance(arguments, dict) and hasattr(arguments.get(_RUNTIME), "state"):
            return {name: value for name, value in arguments.items() if name != _RUNTIME}
        return arguments

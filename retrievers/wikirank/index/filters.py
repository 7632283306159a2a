"""Metadata filters: check Chroma's `where` syntax and translate it to SQL for lexical search.

See Chroma's "Metadata filtering" page. All keys of one filter must match; Chroma itself accepts
several keys only as an explicit `$and`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard
from unicodedata import normalize

from wikirank.errors import InvalidArgumentError

Filter = Mapping[str, Any]

_COMPARISONS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_MEMBERSHIPS = ("$in", "$nin")
_NEGATED = {"$ne": "$eq", "$nin": "$in"}
# SQLite's parser fails at a depth of about a hundred.
_MAX_DEPTH = 20
_SCALARS = (str, int, float, bool)

# Prefix of the recorded names of keys with list values. No filterable key begins with `$`.
LIST_MARK = "$list:"

# A passage's fields as SQL, used where its metadata has no key of that name.
_COLUMNS = {
    "title": "NULLIF(title, '')",
    "section": "NULLIF((SELECT group_concat(value, ' › ') FROM json_each(section)), '')",
    "url": "NULLIF(url, '')",
    "revision": "NULLIF(revision, '')",
    "source": "source",
    "passage_number": "number",
}

FIELD_KEYS = frozenset(_COLUMNS)

_KEYS_SHOWN = 40


def normalise_filter(
    condition: Filter | None, known_keys: frozenset[str], *, depth: int = 0
) -> dict[str, Any] | None:
    """Check a filter and convert it to the form that Chroma accepts: one key at each level.

    Args:
        condition: A filter such as `{"title": "Ada", "year": {"$gte": 1840}}`; `$and` and `$or`
            can be nested. None or an empty mapping filters nothing.
        known_keys: The metadata keys of the index.
        depth: Nesting depth of this filter, for the recursion.

    Returns:
        The filter with one key at each level, or None if nothing is filtered.

    Raises:
        InvalidArgumentError: If a key or operator is unknown, a value is not a scalar, or `$and`
            and `$or` are nested more than 20 deep.
    """
    if not condition:
        return None
    if not isinstance(condition, Mapping):
        msg = f"Expected a filter such as {{'title': 'Ada'}}, got {condition!r}."
        raise InvalidArgumentError(msg)
    if depth > _MAX_DEPTH:
        msg = (
            f"Expected $and and $or nested at most {_MAX_DEPTH} deep, got more. Flatten the filter."
        )
        raise InvalidArgumentError(msg)
    clauses = [_clause(key, value, known_keys, depth) for key, value in condition.items()]
    return clauses[0] if len(clauses) == 1 else {"$and": clauses}


def _clause(key: str, value: Any, known_keys: frozenset[str], depth: int) -> dict[str, Any]:
    if key in ("$and", "$or"):
        return _combination(key, value, known_keys, depth + 1)
    if key not in known_keys:
        keys = sorted(known_keys)
        more = f" and {len(keys) - _KEYS_SHOWN} more" if len(keys) > _KEYS_SHOWN else ""
        shown = ", ".join(keys[:_KEYS_SHOWN])
        msg = f"Expected a known filter key, got {key!r}. Keys in this index: {shown}{more}."
        raise InvalidArgumentError(msg)
    if not isinstance(value, Mapping):
        forms = _forms(_scalar(key, value))
        return {key: {"$eq": forms[0]} if len(forms) == 1 else {"$in": forms}}
    tests = [{key: {operator: _operand(key, operator, v)}} for operator, v in value.items()]
    if not tests:
        msg = f"Expected a value or an operator such as {{'$eq': …}} on {key!r}, got {value!r}."
        raise InvalidArgumentError(msg)
    return tests[0] if len(tests) == 1 else {"$and": tests}


def _combination(key: str, value: Any, known_keys: frozenset[str], depth: int) -> dict[str, Any]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        msg = f"Expected a list of filters for {key}, got {value!r}."
        raise InvalidArgumentError(msg)
    parts = [normalise_filter(part, known_keys, depth=depth) for part in value]
    kept = [part for part in parts if part]
    if len(kept) != len(parts):
        msg = f"Expected filters that are not empty in {key}, got {value!r}. Leave empty ones out."
        raise InvalidArgumentError(msg)
    return kept[0] if len(kept) == 1 else {key: kept}


def _operand(key: str, operator: str, value: Any) -> Any:
    if operator in _MEMBERSHIPS:
        if not isinstance(value, (list, tuple, set, frozenset)) or not value:
            msg = f"Expected a list of values for {operator} on {key!r}, got {value!r}."
            raise InvalidArgumentError(msg)
        if len({type(item) for item in value}) > 1:
            msg = f"Expected values of one type for {operator} on {key!r}, got {value!r}."
            raise InvalidArgumentError(msg)
        return [_scalar(key, item) for item in value]
    if operator in _COMPARISONS and (isinstance(value, (bool, str)) or not is_scalar(value)):
        msg = f"Expected a number for {operator} on {key!r}, got {value!r}."
        raise InvalidArgumentError(msg)
    if operator not in (*_COMPARISONS, "$eq", "$ne"):
        operators = ", ".join(("$eq", "$ne", *_COMPARISONS, *_MEMBERSHIPS))
        msg = f"Expected a filter operator on {key!r}, got {operator!r}. Operators: {operators}."
        raise InvalidArgumentError(msg)
    return _scalar(key, value)


def _forms(value: Any) -> list[Any]:
    """Return a text in each Unicode form that may be stored; other values unchanged."""
    if not isinstance(value, str) or value.isascii():
        return [value]
    return list(dict.fromkeys([value, normalize("NFC", value), normalize("NFD", value)]))


def is_scalar(value: Any) -> TypeGuard[str | int | float]:
    """Whether a value is a string, a number or a bool."""
    return isinstance(value, _SCALARS)


def _scalar(key: str, value: Any) -> Any:
    if not is_scalar(value):
        msg = f"Expected a string, a number or a bool in the filter on {key!r}, got {value!r}."
        raise InvalidArgumentError(msg)
    if not can_be_stored(value):
        msg = (
            "Expected an integer of up to 64 bits, a finite number or valid Unicode text in the "
            f"filter on {key!r}, got {value!r}."
        )
        raise InvalidArgumentError(msg)
    return value


def can_be_stored(value: str | int | float) -> bool:
    """Whether Chroma and SQLite can store a value: valid Unicode, finite, up to 64 bits."""
    if isinstance(value, str):
        return not any("\ud800" <= char <= "\udfff" for char in value)
    return math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**63


def to_sql(where: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Translate a result of `normalise_filter` to an SQL condition and its parameters."""
    ((key, value),) = where.items()
    if key in ("$and", "$or"):
        parts = [to_sql(part) for part in value]
        joined = f" {key[1:].upper()} ".join(f"({sql})" for sql, _ in parts)
        return joined, [parameter for _, parameters in parts for parameter in parameters]
    ((operator, operand),) = value.items()
    path = f"$.{json.dumps(key)}"
    if key in _COLUMNS:
        column = f"COALESCE(json_extract(metadata, ?), {_COLUMNS[key]})"
        return _test(column, [path], operator, operand)
    if operator in _NEGATED:
        condition, parameters = _test("value", [], _NEGATED[operator], operand)
        return f"NOT {_any_value(condition)}", [path, *parameters]
    condition, parameters = _test("value", [], operator, operand)
    return _any_value(condition), [path, *parameters]


def _any_value(condition: str) -> str:
    """Return SQL that tests whether a metadata value, or any item of a list, meets a condition."""
    return f"EXISTS (SELECT 1 FROM json_each(metadata, ?) WHERE {condition})"


def named_keys(where: Mapping[str, Any]) -> set[str]:
    """Return the metadata keys that a normalised filter uses."""
    ((key, value),) = where.items()
    if key in ("$and", "$or"):
        return set[str]().union(*(named_keys(part) for part in value))
    return {key}


def _test(column: str, path: list[Any], operator: str, operand: Any) -> tuple[str, list[Any]]:
    if operator == "$eq":
        return f"{column} IS ?", [*path, operand]
    if operator == "$ne":
        return f"{column} IS NOT ?", [*path, operand]
    if operator in _COMPARISONS:
        # SQLite orders any text after any number, so the type is tested too.
        numeric = f"typeof({column}) IN ('integer', 'real')"
        return (
            f"({numeric} AND {column} {_COMPARISONS[operator]} ?)",
            [*path, *path, operand],
        )
    marks = ", ".join("?" * len(operand))
    if operator == "$in":
        return f"{column} IN ({marks})", [*path, *operand]
    return f"({column} IS NULL OR {column} NOT IN ({marks}))", [*path, *path, *operand]

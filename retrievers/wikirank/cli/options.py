"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

IndexOption = Annotated[Path, typer.Option("--index", help="Folder of the index.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
ModelOption = Annotated[
    str, typer.Option(help="Reranker: `bundled`, a folder, or a hub id such as `org/name`.")
]
RevisionOption = Annotated[
    str | None, typer.Option(help="Revision of a hub model: a commit, tag or branch.")
]
DeviceOption = Annotated[str | None, typer.Option(help="`cpu`, `cuda`, `cuda:1`, `mps`.")]
MaxLengthOption = Annotated[
    int | None, typer.Option(help="Longest query and passage together, in tokens.")
]
WaitOption = Annotated[
    float, typer.Option(min=0, help="Seconds to wait for another writer to end.")
]


def parse_filters(pairs: Sequence[str]) -> dict[str, Any] | None:
    """Read `key=value` options as one filter.

    A value that reads as a number or as true or false matches it as such and as text.

    Args:
        pairs: The options.

    Returns:
        The filter; None where there are no options.

    Raises:
        BadParameter: If an option has no `=`.
    """
    clauses = [_clause(pair) for pair in pairs]
    if not clauses:
        return None
    return clauses[0] if len(clauses) == 1 else {"$and": clauses}


def _clause(pair: str) -> dict[str, Any]:
    key, equals, value = pair.partition("=")
    if not equals or not key:
        msg = f"expected key=value, got {pair!r}"
        raise typer.BadParameter(msg)
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        read = value
    if isinstance(read, (bool, int, float)):
        return {"$or": [{key: value}, {key: read}]}
    return {key: value}

"""Options that several commands share, and functions that parse their values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from wikirank.errors import IndexStorageError, InvalidArgumentError
from wikirank.runtime.model_pairs import BUNDLED

IndexOption = Annotated[Path, typer.Option("--index", help="Folder of the index.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        help="Reranker: `bundled`, `multilingual`, a folder, or a hub id such as `org/name`. "
        "[default: the reranker recorded in the index, otherwise bundled]"
    ),
]
RevisionOption = Annotated[
    str | None, typer.Option(help="Commit, tag or branch of a hub reranker.")
]
DeviceOption = Annotated[
    str | None, typer.Option(help="Device of the reranker: `cpu`, `cuda`, `cuda:1` or `mps`.")
]
MaxLengthOption = Annotated[
    int | None, typer.Option(help="Most tokens of a query and a passage together.")
]
WaitOption = Annotated[
    float, typer.Option(min=0, help="Seconds to wait until another process has finished writing.")
]


def chosen_reranker(
    model: str | None, revision: str | None, index: Path | None
) -> tuple[str, str | None]:
    """Choose the reranker: the named one, otherwise the index's, otherwise the bundled one.

    Args:
        model: Value of `--model`.
        revision: Value of `--revision`.
        index: Folder of the index; None if there is no index.

    Returns:
        Name and revision for `load_cross_encoder`.

    Raises:
        InvalidArgumentError: If a revision is given without a model.
    """
    if model is None and revision is not None:
        msg = (
            f"Expected --model with --revision, got --revision {revision!r} alone. Name the model."
        )
        raise InvalidArgumentError(msg)
    recorded = _recorded_reranker(index) if model is None and index else None
    if recorded is None:
        return model or BUNDLED, revision
    return recorded["model"], recorded["revision"]


def _recorded_reranker(index: Path) -> dict[str, Any] | None:
    """Read the reranker without `WikiIndex`, whose import takes longer than loading a model."""
    from wikirank.index.store import STORE_FILE, PassageStore

    file = index.absolute() / STORE_FILE
    if not file.is_file():
        return None
    try:
        with PassageStore(file) as store:
            recorded: dict[str, Any] | None = store.read_meta().get("reranker")
    except IndexStorageError:
        return None  # Opening the index reports the error.
    return recorded


def parse_filters(pairs: Sequence[str]) -> dict[str, Any] | None:
    """Parse `key=value` options into one filter.

    A number, `true` or `false` matches both the JSON value and the same text.

    Args:
        pairs: Values of `--filter`. All of them must hold.

    Returns:
        The filter; None without options.

    Raises:
        BadParameter: If an option has no key or no `=`.
    """
    clauses = [_clause(pair) for pair in pairs]
    if not clauses:
        return None
    return clauses[0] if len(clauses) == 1 else {"$and": clauses}


def _clause(pair: str) -> dict[str, Any]:
    key, equals, value = pair.partition("=")
    if not equals or not key:
        msg = f"Expected key=value, got {pair!r}. Write the key, = and the value."
        raise typer.BadParameter(msg)
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return {key: value}
    if isinstance(parsed, (bool, int, float)):
        return {"$or": [{key: value}, {key: parsed}]}
    return {key: value}

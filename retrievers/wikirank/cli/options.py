"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from wikirank.errors import IndexStorageError, InvalidArgumentError
from wikirank.runtime.model_pairs import BUNDLED

IndexOption = Annotated[Path, typer.Option("--index", help="Folder of the index.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        help="Reranker: `bundled`, `multilingual`, a folder, or a hub id such as `org/name`. "
        "[default: what the index recorded, else bundled]"
    ),
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


def chosen_reranker(
    model: str | None, revision: str | None, index: Path | None
) -> tuple[str, str | None]:
    """Which reranker is meant: the one that is named, the index's own, or else the bundled one.

    Args:
        model: The option.
        revision: The option beside it.
        index: The folder of the index, if there is one.

    Returns:
        Name and revision for `load_cross_encoder`.

    Raises:
        InvalidArgumentError: If a revision is given without a model.
    """
    if model is None and revision is not None:
        msg = f"Expected --revision beside --model, got {revision!r} alone. Name the model too."
        raise InvalidArgumentError(msg)
    recorded = _recorded_reranker(index) if model is None and index else None
    if recorded is None:
        return model or BUNDLED, revision
    return recorded["model"], recorded["revision"]


def _recorded_reranker(index: Path) -> dict[str, Any] | None:
    """Read without what opens an index, whose import takes longer than a model's loading."""
    from wikirank.index.store import STORE_FILE, PassageStore

    file = index.absolute() / STORE_FILE
    if not file.is_file():
        return None
    try:
        with PassageStore(file) as store:
            recorded: dict[str, Any] | None = store.read_meta().get("reranker")
    except IndexStorageError:
        return None  # What is wrong with the index is told where it is opened.
    return recorded


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

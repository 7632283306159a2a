"""What travels between the processes: articles by the group, each a row of a table."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from wikirank.errors import WikirankError
from wikirank.index.ingest_workers import PreparedArticle

_COLUMN = "group"


@dataclass(frozen=True, slots=True)
class PreparedGroup:
    """The articles of an `ArticleBatch`, ready for the index.

    Attributes:
        articles: The articles.
        skipped: As in `ArticleBatch`.
        fault: Likewise.
    """

    articles: Sequence[PreparedArticle]
    skipped: Mapping[str, int] = field(default_factory=dict)
    fault: WikirankError | None = None


def row(thing: object) -> dict[str, bytes]:
    """A row that holds one thing."""
    return {_COLUMN: pickle.dumps(thing)}


def packed(thing: object) -> pa.Table:
    """The same as a table, which is what Ray Data passes on."""
    return pa.table({_COLUMN: pa.array([pickle.dumps(thing)], type=pa.large_binary())})


def unpacked(table: pa.Table) -> Iterator[Any]:
    """The things in the rows of a table."""
    return map(pickle.loads, table[_COLUMN].to_pylist())

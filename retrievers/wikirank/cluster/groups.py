"""Groups of articles, as they are sent between processes: one group per table row."""

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
        articles: The prepared articles.
        skipped: Same as in `ArticleBatch`.
        fault: Error that ended the source; None if there was none.
    """

    articles: Sequence[PreparedArticle]
    skipped: Mapping[str, int] = field(default_factory=dict)
    fault: WikirankError | None = None


def pack_row(value: object) -> dict[str, bytes]:
    """Pickle a value into a row."""
    return {_COLUMN: pickle.dumps(value)}


def pack(value: object) -> pa.Table:
    """Pickle a value into a table of one row, which Ray Data can pass on."""
    return pa.table({_COLUMN: pa.array([pickle.dumps(value)], type=pa.large_binary())})


def unpack(table: pa.Table) -> Iterator[Any]:
    """Unpickle the values in the rows of a table."""
    return map(pickle.loads, table[_COLUMN].to_pylist())

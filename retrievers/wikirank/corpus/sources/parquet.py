"""Articles from a Parquet file; needs the [parquet] extra."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from types import ModuleType
from typing import Any

from wikirank.corpus.sources.path_source import PathSource, cannot_read
from wikirank.corpus.sources.record import article_from_record
from wikirank.errors import CorpusError, MissingExtraError
from wikirank.types import Article

_BATCH_ROWS = 256  # whole articles: a batch is a few megabytes
_REQUIRED = ("title", "text")


class ParquetSource(PathSource):
    """One article a row with the columns `title`, `text` and optionally `url` and `revision`.

    Other columns become metadata: dates as ISO text, numbers that are not finite as None; columns
    with binary data are left out. The file is read a few rows at a time.
    """

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        """Name the source; its contents are read when it is iterated over.

        Args:
            path: The file.
            name: What the index is to call it; by default the file's name.

        Raises:
            CorpusError: If there is nothing at `path`.
            InvalidArgumentError: If `name` is empty.
            MissingExtraError: If pyarrow is not installed.
        """
        super().__init__(path, name=name)
        _pyarrow()

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the file's order; CorpusError names the row that is wrong."""
        for number, row in enumerate(self._rows(), 1):
            yield article_from_record(row, f"{self.path}, row {number}")

    def count(self) -> int | None:
        """Number of rows, read from the file's footer."""
        with self._open() as file:
            return int(file.metadata.num_rows)

    def _rows(self) -> Iterator[dict[str, Any]]:
        with self._open() as file:
            columns = _columns(file.schema_arrow, self.path)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                for row in batch.to_pylist():
                    yield {field: _json_value(value) for field, value in row.items()}

    @contextmanager
    def _open(self) -> Iterator[Any]:
        pyarrow = _pyarrow()
        try:
            with pyarrow.parquet.ParquetFile(self.path) as file:
                yield file
        # ValueError: text that is not UTF-8, or a time that Python cannot hold.
        except (pyarrow.ArrowException, OSError, ValueError) as err:
            raise cannot_read(self.path, err) from err


def _columns(schema: Any, path: Path) -> list[str]:
    """Names of the columns to read; the required ones must be among them."""
    missing = [name for name in _REQUIRED if name not in schema.names]
    if missing:
        msg = f"{path}: expected the columns {' and '.join(missing)}, got {schema.names}"
        raise CorpusError(msg)
    return [
        column.name
        for column in schema
        if column.name in _REQUIRED or "binary" not in str(column.type)
    ]


def _json_value(value: Any) -> Any:
    """The nearest value that JSON can hold."""
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _json_value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(inner) for inner in value]
    return str(value)


def _pyarrow() -> ModuleType:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ModuleNotFoundError as err:
        if err.name != "pyarrow":
            raise
        msg = (
            "a Parquet source needs the package pyarrow, which is not installed: "
            'pip install "langchain-wikirank[parquet]"'
        )
        raise MissingExtraError(msg) from err
    module: ModuleType = pa
    return module

"""Articles from Parquet files; needs the [parquet] extra."""

from __future__ import annotations

import math
import re
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
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.parquet")


class ParquetSource(PathSource):
    """One article a row with the columns `title`, `text` and optionally `url` and `revision`.

    Other columns become metadata: dates as ISO text, numbers that are not finite as None; columns
    with binary data are left out. A folder's files are read as one, in the order of their names,
    as those of Hugging Face's `wikimedia/wikipedia`. A file is read a few rows at a time.
    """

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        """Name the source; its contents are read when it is iterated over.

        Args:
            path: The file, or a folder of `.parquet` files.
            name: What the index is to call it; by default the file's or folder's name.

        Raises:
            CorpusError: If there is nothing at `path`, or no such file in the folder.
            InvalidArgumentError: If `name` is empty.
            MissingExtraError: If pyarrow is not installed.
        """
        super().__init__(path, name=name)
        _pyarrow()
        self._files()

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the files' order; CorpusError names the row that is wrong."""
        files = self._files()
        self._skipped.clear()
        if missing := _missing_shards(files):
            self._skipped["file of the set that is not there"] = missing
        for file in files:
            for number, row in enumerate(self._rows(file), 1):
                yield article_from_record(row, f"{file}, row {number}")

    def count(self) -> int | None:
        """Number of rows, read from the files' footers."""
        total = 0
        for path in self._files():
            with self._open(path) as file:
                total += int(file.metadata.num_rows)
        return total

    def _files(self) -> list[Path]:
        files = parquet_files(self.path) if self.path.is_dir() else [self.path]
        if not files:
            msg = f"{self.path}: expected a folder of .parquet files, found none directly in it"
            raise CorpusError(msg)
        return files

    def _rows(self, path: Path) -> Iterator[dict[str, Any]]:
        with self._open(path) as file:
            columns = _columns(file.schema_arrow, path)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                for row in batch.to_pylist():
                    yield {field: _json_value(value) for field, value in row.items()}

    @contextmanager
    def _open(self, path: Path) -> Iterator[Any]:
        pyarrow = _pyarrow()
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                yield file
        # ValueError: text that is not UTF-8, or a time that Python cannot hold.
        except (pyarrow.ArrowException, OSError, ValueError) as err:
            raise cannot_read(path, err) from err


def parquet_files(folder: Path) -> list[Path]:
    """The `.parquet` files directly in a folder, by name; hidden ones are left out.

    Args:
        folder: The folder.

    Returns:
        Their paths.

    Raises:
        CorpusError: If the folder cannot be read.
    """
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() == ".parquet"]
    except OSError as err:
        raise cannot_read(folder, err) from err
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def _missing_shards(files: list[Path]) -> int:
    """How many files lack by the names of the others: `train-00003-of-00041.parquet`."""
    shards: dict[tuple[str, str], int] = {}
    for file in files:
        match = _SHARD.fullmatch(file.name)
        if match:
            shards[match[1], match[3]] = shards.get((match[1], match[3]), 0) + 1
    return sum(max(0, int(total) - there) for (_, total), there in shards.items())


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

"""Read articles from Parquet files; needs the [parquet] extra."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from wikirank._extras import require_extra
from wikirank.corpus.sources.folder_files import regular_files
from wikirank.corpus.sources.path_source import PathSource, cannot_read
from wikirank.corpus.sources.record import article_from_record
from wikirank.errors import CorpusError
from wikirank.types import Article

_BATCH_ROWS = 256  # with one article per row, a batch is a few megabytes
_REQUIRED = ("title", "text")
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_LFS_POINTER = "it is a Git LFS pointer, not the file itself; run `git lfs pull` in the clone"
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.parquet")


class ParquetSource(PathSource):
    """One article a row with the columns `title`, `text` and optionally `url` and `revision`.

    Other columns become metadata: dates as ISO text, numbers that are not finite as None. Columns
    with binary data are left out. All files in a folder, at any depth, are read in the order of
    their paths, for example a clone of Hugging Face's `wikimedia/wikipedia`. Folders named
    `key=value` add this metadata. Files are read a few rows at a time.
    """

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        """Open the source; its contents are read when it is iterated over.

        Args:
            path: The file, or a folder of `.parquet` files.
            name: Name of the source in the index; by default the name of the file or folder.

        Raises:
            CorpusError: If there is nothing at `path`, or the folder has no `.parquet` file.
            InvalidArgumentError: If `name` is empty.
            MissingExtraError: If pyarrow is not installed.
        """
        super().__init__(path, name=name)
        _pyarrow()
        self._files()

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the files' order; CorpusError names the invalid row."""
        for file in self._begin_files():
            yield from _articles(file, partition=self._partition(file))

    def shards(self) -> Iterator[ParquetShard]:
        """Yield one shard per row group, which is a thousand articles in Hugging Face's files."""
        for path in self._begin_files():
            first = 1
            with _opened(path) as file:
                sizes = [
                    int(file.metadata.row_group(group).num_rows)
                    for group in range(file.num_row_groups)
                ]
            for group, size in enumerate(sizes):
                yield ParquetShard(path, group, first, self._partition(path))
                first += size

    def count(self) -> int | None:
        """Return the number of rows, read from the files' footers."""
        total = 0
        for path in self._files():
            with _opened(path) as file:
                total += int(file.metadata.num_rows)
        return total

    def _begin_files(self) -> list[Path]:
        """Return the files, and count missing ones as skipped."""
        files = self._files()
        self._skipped.clear()
        if missing := _count_missing_files(files):
            self._skipped["file of the set that is not there"] = missing
        return files

    def _files(self) -> list[Path]:
        files = parquet_files(self.path) if self.path.is_dir() else [self.path]
        if not files:
            msg = f"{self.path}: expected a folder of .parquet files, found none in it"
            raise CorpusError(msg)
        return files

    def _partition(self, file: Path) -> tuple[tuple[str, str], ...]:
        """Return the keys and values in a path such as `lang=en/year=2026/a.parquet`."""
        if not self.path.is_dir():
            return ()
        folders = file.relative_to(self.path).parts[:-1]
        pairs = (unquote(folder).partition("=") for folder in folders if "=" in folder)
        return tuple((key, value) for key, _, value in pairs if key and value != _NO_VALUE)


@dataclass(frozen=True, slots=True)
class ParquetShard:
    """One row group of a file.

    Attributes:
        path: The file.
        group: Number of the row group, from 0.
        first: Number of its first row in the file, from 1.
        partition: Metadata from the names of the file's folders.
    """

    path: Path
    group: int
    first: int
    partition: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[Article]:
        """Read the articles; CorpusError names the invalid row."""
        return _articles(
            self.path, partition=self.partition, row_groups=[self.group], first=self.first
        )

    @property
    def skipped(self) -> Mapping[str, int]:
        """Empty: an invalid row is an error."""
        return {}


def _articles(
    path: Path,
    *,
    partition: tuple[tuple[str, str], ...] = (),
    row_groups: list[int] | None = None,
    first: int = 1,
) -> Iterator[Article]:
    """Read some row groups of a file, or all; `first` is the number of the first row."""
    with _opened(path) as file:
        columns = _columns(file.schema_arrow, path)
        batches = file.iter_batches(batch_size=_BATCH_ROWS, row_groups=row_groups, columns=columns)
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows, first):
            record = {**dict(partition), **{key: _json_value(value) for key, value in row.items()}}
            yield article_from_record(record, f"{path}, row {number}")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    pyarrow = _pyarrow()
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    # ValueError: text that is not UTF-8, or a time that Python cannot hold.
    except (pyarrow.ArrowException, OSError, ValueError) as err:
        raise cannot_read(path, _LFS_POINTER if _is_lfs_pointer(path) else err) from err


def _is_lfs_pointer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(40).startswith(b"version https://git-lfs")
    except OSError:
        return False


def parquet_files(folder: Path) -> list[Path]:
    """Return the `.parquet` files of a folder at any depth, sorted, without hidden ones."""
    return [path for path in regular_files(folder) if path.suffix.lower() == ".parquet"]


def _count_missing_files(files: list[Path]) -> int:
    """Count missing files by the names of the others, such as `train-00003-of-00041.parquet`."""
    present: Counter[tuple[Path, str, str]] = Counter()
    for file in files:
        match = _SHARD.fullmatch(file.name)
        if match:
            present[file.parent, match[1], match[3]] += 1
    return sum(max(0, int(total) - count) for (_, _, total), count in present.items())


def _columns(schema: Any, path: Path) -> list[str]:
    """Return the names of the columns to read; CorpusError if a required one is missing."""
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
    """Convert a value to the nearest JSON value."""
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
    require_extra("parquet", "A Parquet source", ["pyarrow"])
    import pyarrow as pa
    import pyarrow.parquet

    module: ModuleType = pa
    return module

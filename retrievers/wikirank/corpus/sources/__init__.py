"""Where articles come from: wiki dumps, ZIM files, JSON lines, Parquet, folders, the sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from wikirank.corpus.sources.dump import DUMP_SUFFIXES, DumpSource
from wikirank.corpus.sources.folder import FolderSource
from wikirank.corpus.sources.jsonl import JsonLinesSource
from wikirank.corpus.sources.parquet import ParquetSource, parquet_files
from wikirank.corpus.sources.sample import SampleSource
from wikirank.corpus.sources.zim import ZimSource, is_zim
from wikirank.errors import CorpusError
from wikirank.types import Article

__all__ = [
    "DumpSource",
    "FolderSource",
    "JsonLinesSource",
    "ParquetSource",
    "SampleSource",
    "Source",
    "ZimSource",
    "open_source",
]

_JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


class Source(Protocol):
    """A named collection of articles that can be read again and again, in the same order."""

    @property
    def name(self) -> str:
        """What the index calls this source."""
        ...

    @property
    def location(self) -> str:
        """Absolute path or package name: tells two sources of one name apart."""
        ...

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many pages the last reading passed over, by reason; it may still go on."""
        ...

    def __iter__(self) -> Iterator[Article]:
        """Read the articles one by one; raises CorpusError for what cannot be read."""
        ...

    def count(self) -> int | None:
        """Number of articles if that is cheap to know, else None."""
        ...


def open_source(
    spec: str | Path, *, name: str | None = None, namespaces: Iterable[int] = (0,)
) -> Source:
    """Open the source that a user named.

    Args:
        spec: `"sample"` (for a path of that name write `./sample`), a folder of `.txt` and
            Markdown files or of `.parquet` files, or a file ending in `.jsonl`, `.ndjson` (both
            also with `.gz`), `.parquet`, `.zim` or, if in parts, `.zimaa`, or a MediaWiki export:
            `.xml`, also with `.bz2`, `.gz` or `.zst`.
        name: What the index is to call it; by default `sample` or the file's or folder's name.
        namespaces: Which namespaces of a MediaWiki export to take; 0 is the main one.

    Returns:
        The source. Files are read as it is iterated over.

    Raises:
        CorpusError: If the path does not exist or is of an unknown kind.
        InvalidArgumentError: If `name` is empty.
        MissingExtraError: If the source needs a package that is not installed.
    """
    if spec == "sample":
        return SampleSource(name=name)
    path = Path(spec).expanduser()
    lowered = path.name.lower()
    if path.is_dir():
        return (ParquetSource if parquet_files(path) else FolderSource)(path, name=name)
    if lowered.endswith(_JSON_LINES):
        return JsonLinesSource(path, name=name)
    if lowered.endswith(".parquet"):
        return ParquetSource(path, name=name)
    if is_zim(path):
        return ZimSource(path, name=name)
    if lowered.endswith(DUMP_SUFFIXES):
        return DumpSource(path, name=name, namespaces=namespaces)
    reason = "is of an unknown kind" if path.exists() else "does not exist"
    msg = (
        f'{spec} {reason}: expected "sample", a folder of .txt and .md or of .parquet files, or a '
        f"file ending in {', '.join((*_JSON_LINES, *DUMP_SUFFIXES))}, .parquet or .zim"
    )
    raise CorpusError(msg)

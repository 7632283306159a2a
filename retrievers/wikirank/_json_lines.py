"""Read and write JSON lines. Errors name file and line; a file is written whole or not at all."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from gzip import GzipFile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wikirank.errors import CorpusError


def read_records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Read the records of a file.

    Args:
        path: A UTF-8 file with one JSON object per line, compressed if its name ends in `.gz`.

    Yields:
        The record's location for error messages (`file, line n`), and the record. Blank lines are
        skipped.

    Raises:
        CorpusError: If the file is missing, broken or empty, or a line is not a JSON object.
    """
    empty = True
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    empty = False
                    where = f"{path.name}, line {number}"
                    yield where, _record(line, where)
    except (OSError, EOFError, zlib.error) as err:
        msg = f"{path}: expected a readable .jsonl or .jsonl.gz file, got: {err}. Check the file."
        raise CorpusError(msg) from err
    if empty:
        msg = f"{path}: expected at least one record, got none. Check the file."
        raise CorpusError(msg)


def _record(line: bytes, where: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as err:  # not UTF-8, or not JSON
        raise CorpusError(expected(where, "a JSON object in UTF-8", str(err))) from err
    if not isinstance(record, dict):
        raise CorpusError(expected(where, "a JSON object", type(record).__name__))
    return record


def identifier(record: Mapping[str, Any], field: str, where: str) -> str:
    """Return an identifying field, a non-empty string or an integer, as a string."""
    value = record.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise CorpusError(expected(where, f"a string or integer in {field!r}", value))
    return str(value)


def text_field(record: Mapping[str, Any], field: str, where: str, *, blank: bool = False) -> str:
    """Return a required text field; `blank` allows an empty one."""
    value = record.get(field)
    if not isinstance(value, str) or not (blank or value.strip()):
        raise CorpusError(expected(where, f"a text in {field!r}", value))
    return value


def texts_field(record: Mapping[str, Any], field: str, where: str) -> list[str]:
    """Return a required field that holds a list of texts, possibly empty."""
    value = record.get(field)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise CorpusError(expected(where, f"a list of texts in {field!r}", value))
    return value


def expected(where: str, what: str, got: object) -> str:
    """Return the error message for an invalid record."""
    return f"{where}: expected {what}, got {got!r}. Correct the record."


def write_records(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    """Write JSON lines: all of them, or no file.

    Args:
        path: The file, compressed if its name ends in `.gz`. An existing file is replaced once
            the new one is complete.
        records: JSON-serialisable; the same records give the same bytes.

    Returns:
        The number of records written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number = 0
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
        file = Path(scratch) / path.name
        with file.open("wb") as raw:
            # No name or time in the gzip header: they would change the bytes.
            stream = GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else raw
            with stream:
                for record in records:
                    stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
                    number += 1
        file.replace(path)
    return number

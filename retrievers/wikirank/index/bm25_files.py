"""Tantivy's files on disk, looked at before tantivy opens them.

Tantivy makes an empty index where `meta.json` is missing, and panics, or finds other passages,
where bits of a segment flipped. Each segment file ends with a footer that holds a checksum.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

META = "meta.json"
# Checksums of more bytes than this would make opening an index slow: about 50 ms.
_CHECKED_AT_OPENING = 64 * 2**20
_PARTS = ("term", "idx", "store", "fieldnorm", "fast")
_OPTIONAL_PARTS = ("pos",)
# At the end of each file: the length of the footer before it, and this number.
_TAIL = struct.Struct("<II")
_MAGIC = 1337
_LONGEST_FOOTER = 50_000  # Tantivy's own limit.
_READ_AT_ONCE = 2**20


def lexical_fault(folder: Path, *, full: bool = False) -> str | None:
    """Why a lexical index cannot be trusted, with `full` by checksums too; None if it can."""
    while True:
        listed = _read(folder / META)
        fault = _fault(folder, listed, full=full)
        if fault is None or _read(folder / META) == listed:
            return fault
        # A writer in another process has taken away files of before.


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _fault(folder: Path, listed: bytes | None, *, full: bool) -> str | None:
    if listed is None:
        return f"{META} is missing"
    try:
        files = [file for segment in json.loads(listed)["segments"] for file in _files(segment)]
        is_small = sum(_size(folder / file) for file in files) <= _CHECKED_AT_OPENING
        for file in files:
            _check(folder / file, checksum=full or is_small)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as err:
        return str(err) or type(err).__name__
    return None


def _files(segment: dict[str, Any]) -> list[str]:
    name = segment["segment_id"].replace("-", "")
    deletes = segment["deletes"]
    of_deletes = [f"{name}.{deletes['opstamp']}.del"] if deletes else []
    return [*(f"{name}.{part}" for part in (*_PARTS, *_OPTIONAL_PARTS)), *of_deletes]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check(path: Path, *, checksum: bool) -> None:
    """Raise ValueError or OSError if a file is missing, cut short or changed."""
    if not path.exists() and path.suffix[1:] in _OPTIONAL_PARTS:
        return
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL.size))
        length, magic = _TAIL.unpack(file.read())
        body = size - _TAIL.size - length
        if magic != _MAGIC or length > _LONGEST_FOOTER or body < 0:
            msg = f"{path.name} is cut short or damaged"
            raise ValueError(msg)
        file.seek(body)
        expected = json.loads(file.read(length))["crc"]
        if not checksum:
            return
        file.seek(0)
        crc = 0
        while body > 0 and (block := file.read(min(body, _READ_AT_ONCE))):
            crc = zlib.crc32(block, crc)
            body -= len(block)
        if crc != expected:
            msg = f"{path.name} has not the bytes that were written"
            raise ValueError(msg)

"""Check tantivy's files before tantivy opens them.

If `meta.json` is missing, tantivy creates an empty index. If bits of a segment flipped, it panics
or returns wrong passages. Each segment file ends with a footer that contains a checksum.
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

META = "meta.json"
# Checksums of so many bytes take about 50 ms; more would make opening an index slow.
_MAX_CHECKSUM_BYTES = 64 * 2**20
_PARTS = ("term", "idx", "store", "fieldnorm", "fast")
_OPTIONAL_PARTS = ("pos",)
# The last bytes of each file: the length of the footer before them, and the magic number.
_TAIL = struct.Struct("<II")
_MAGIC = 1337
_MAX_FOOTER_BYTES = 50_000  # Tantivy's own limit.
_BLOCK_BYTES = 2**20


def lexical_fault(folder: Path, *, full: bool = False) -> str | None:
    """Return what is damaged, or None; `full` computes checksums at any size."""
    while True:
        meta = _read(folder / META)
        fault = _fault(folder, meta, full=full)
        if fault is None or _read(folder / META) == meta:
            return fault
        # A writer in another process replaced the files meanwhile: check again.


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _fault(folder: Path, meta: bytes | None, *, full: bool) -> str | None:
    if meta is None:
        return f"{META} is missing"
    try:
        files = [file for segment in json.loads(meta)["segments"] for file in _files(segment)]
        is_small = sum(_size(folder / file) for file in files) <= _MAX_CHECKSUM_BYTES
        for file in files:
            _check(folder / file, checksum=full or is_small)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as err:
        return str(err) or type(err).__name__
    return None


def _files(segment: dict[str, Any]) -> list[str]:
    name = segment["segment_id"].replace("-", "")
    deletes = segment["deletes"]
    delete_files = [f"{name}.{deletes['opstamp']}.del"] if deletes else []
    return [*(f"{name}.{part}" for part in (*_PARTS, *_OPTIONAL_PARTS)), *delete_files]


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
        if magic != _MAGIC or length > _MAX_FOOTER_BYTES or body < 0:
            msg = f"{path.name} is cut short or damaged"
            raise ValueError(msg)
        file.seek(body)
        expected = json.loads(file.read(length))["crc"]
        if not checksum:
            return
        file.seek(0)
        crc = 0
        while body > 0 and (block := file.read(min(body, _BLOCK_BYTES))):
            crc = zlib.crc32(block, crc)
            body -= len(block)
        if crc != expected:
            msg = f"{path.name} does not match its checksum"
            raise ValueError(msg)

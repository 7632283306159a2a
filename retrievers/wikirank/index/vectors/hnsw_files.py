"""Check Chroma's search graph on disk before Chroma opens it.

Chroma writes a collection's graph in place, into five files, every so many records. If it is killed
meanwhile, opening these files ends in a segmentation fault rather than an exception. The layout is
hnswlib's; the checks follow every reference in it.
"""

from __future__ import annotations

import pickle
import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from wikirank._util import block_forks

# Version; offset of level 0, capacity, number of elements, bytes per element, offset of the label
# and of the vector; highest level and its element; links per level, on level 0, and M; and two
# settings for building the graph.
_HEADER = struct.Struct("<i6QiI3QdQ")
_DELETED_BYTE = 2  # The lowest bit of this byte marks an element as deleted.
_ROWS = 8192
# Checking a graph of this size takes a third of a second. When a larger one is opened, only sizes
# and headers are checked.
_MAX_FULL_CHECK_BYTES = 128 * 2**20
DATABASE = "chroma.sqlite3"
_IDS = "index_metadata.pickle"


@dataclass(frozen=True, slots=True)
class _Header:
    count: int
    size: int
    label_offset: int
    vector_offset: int
    top_level: int
    entry: int
    links: int
    base_links: int

    @classmethod
    def read(cls, path: Path) -> _Header:
        fields = _HEADER.unpack(path.read_bytes()[: _HEADER.size])
        return cls(*fields[3:7], *fields[7:9], *fields[9:11])


def graph_fault(chroma: Path, collection: str, *, full: bool = True) -> str | None:
    """Return why the graph of a collection cannot be opened safely; None if it can.

    Args:
        chroma: Chroma's folder.
        collection: Name of the collection.
        full: Check all of a graph over 128 MiB; otherwise only its sizes and headers.

    Returns:
        What is damaged. None if the graph is whole or has not been written yet.
    """
    folder, is_written = _graph_folder(chroma, collection)
    if folder is None:
        return None
    if not (folder / _IDS).exists():
        # Until Chroma has written the graph, it builds it from its log, which it then shortens.
        return f"its list of ids, {_IDS}, is missing" if is_written else None
    try:
        with (folder / _IDS).open("rb") as file:
            labels = _PlainUnpickler(file).load()["label_to_id"]
        header = _Header.read(folder / "header.bin")
        return _fault(folder, header, set(labels), full=full)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as err:
        return f"one of its files is cut short or missing ({err})"
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError) as err:
        return f"its list of ids is cut short ({err})"


def graph_backlog(chroma: Path, collection: str) -> int:
    """Count the records in Chroma's log that the graph on disk lacks; 0 if that is unknown."""
    sql = (
        "SELECT count(*) FROM embeddings_queue WHERE topic LIKE '%' || (SELECT id FROM collections"
        " WHERE name = ?) AND seq_id > coalesce((SELECT seq_id FROM max_seq_id JOIN segments"
        " ON segments.id = segment_id JOIN collections ON collections.id = collection"
        " WHERE name = ? AND scope = 'VECTOR'), 0)"
    )
    row = _fetch_row(chroma, sql, (collection, collection))
    return row[0] if row else 0


class _PlainUnpickler(pickle.Unpickler):
    """Reads plain dicts, strings and numbers, and rejects everything else."""

    def find_class(self, module: str, name: str) -> NoReturn:
        msg = f"expected plain values, got {module}.{name}"
        raise pickle.UnpicklingError(msg)


def _graph_folder(chroma: Path, collection: str) -> tuple[Path | None, bool]:
    """Return the folder of the graph, and whether Chroma has written it."""
    sql = (
        "SELECT segments.id, max_seq_id.seq_id IS NOT NULL FROM segments"
        " JOIN collections ON collections.id = collection"
        " LEFT JOIN max_seq_id ON max_seq_id.segment_id = segments.id"
        " WHERE name = ? AND scope = 'VECTOR'"
    )
    row = _fetch_row(chroma, sql, (collection,))
    return (chroma / row[0], bool(row[1])) if row else (None, False)


def _fetch_row(chroma: Path, sql: str, values: tuple[str, ...]) -> tuple[Any, ...] | None:
    """Return the first row of a query to Chroma's database; None if there is none."""
    uri = f"{(chroma / DATABASE).absolute().as_uri()}?mode=ro"
    try:
        with block_forks(), closing(sqlite3.connect(uri, uri=True)) as connection:
            row: tuple[Any, ...] | None = connection.execute(sql, values).fetchone()
    except sqlite3.Error:
        return None
    return row


def _fault(folder: Path, header: _Header, labels: set[int], *, full: bool) -> str | None:
    if header.count == 0:
        return "it lists ids but has no vectors" if labels else None
    if _any_not_unit(_file(folder / "length.bin", np.float32, header.count)):
        return "the recorded lengths of its vectors are not 1"
    elements = _file(folder / "data_level0.bin", np.uint8, (header.count, header.size))
    _file(folder / "link_lists.bin", np.uint32, header.count)  # raises if it is too short
    if not full and elements.nbytes > _MAX_FULL_CHECK_BYTES:
        return None if len(labels) <= header.count else "it has fewer vectors than ids"
    element_labels, deleted = set[int](), set[int]()
    for index in range(0, header.count, _ROWS):
        rows = np.ascontiguousarray(elements[index : index + _ROWS])
        if fault := _base_fault(rows, header):
            return fault
        row_labels = _column(rows, header.label_offset, 8, np.uint64)[:, 0]
        element_labels.update(row_labels.tolist())
        deleted.update(row_labels[rows[:, _DELETED_BYTE] & 1 == 1].tolist())
    if len(element_labels) != header.count or not labels <= element_labels:
        return "its elements do not match its list of ids"
    if labels & deleted:  # Chroma fails if it has to delete an element twice.
        return "its list of ids names deleted elements"
    return _upper_fault(folder / "link_lists.bin", header)


def _base_fault(rows: NDArray[np.uint8], header: _Header) -> str | None:
    if _any_link_out_of_range(rows, header.base_links, header.count):
        return "links lead to elements that do not exist"
    vectors = _column(
        rows, header.vector_offset, header.label_offset - header.vector_offset, np.float32
    )
    with np.errstate(over="ignore", invalid="ignore"):  # Damaged numbers can be anything.
        lengths = np.linalg.norm(vectors, axis=1)
    return "vectors do not have length 1" if _any_not_unit(lengths) else None


def _any_not_unit(lengths: NDArray[np.float32]) -> bool:
    # Not `any(... >= 1e-2)`, which would miss NaN.
    return not bool((np.abs(lengths - 1) < 1e-2).all())


def _upper_fault(path: Path, header: _Header) -> str | None:
    """Check the levels above the lowest; the file has their size and links, by element."""
    words = _file(path, np.uint32, path.stat().st_size // 4)
    levels, starts = _upper_levels(words, header)
    if header.entry >= header.count or levels[header.entry] != header.top_level:
        return "its entry point is wrong"
    for element, start in starts:
        for level in range(1, levels[element] + 1):
            index = start + (level - 1) * (header.links + 1)
            links = words[index + 1 : index + 1 + (int(words[index]) & 0xFFFF)]
            if len(links) > header.links or (links >= header.count).any():
                return "links of its upper levels lead to elements that do not exist"
            if (levels[links] < level).any():
                return "links of its upper levels lead to elements without that level"
    return None


def _upper_levels(
    words: NDArray[Any], header: _Header
) -> tuple[NDArray[np.uint8], list[tuple[int, int]]]:
    """Return the level of each element, and where the links of those above level 0 start."""
    levels = np.zeros(header.count, np.uint8)
    starts: list[tuple[int, int]] = []
    filled = np.flatnonzero(words)
    index = element = 0
    while (position := int(np.searchsorted(filled, index))) < len(filled):
        element += int(filled[position]) - index
        index = int(filled[position])
        level, rest = divmod(int(words[index]), 4 * (header.links + 1))
        if rest or level > header.top_level or element >= header.count:
            msg = f"link_lists.bin gives element {element} {words[index]} bytes"
            raise ValueError(msg)
        levels[element] = level
        starts.append((element, index + 1))
        index += 1 + level * (header.links + 1)
        element += 1
    if index > len(words) or element + len(words) - index != header.count:
        msg = f"link_lists.bin ends at element {element} of {header.count}"
        raise ValueError(msg)
    return levels, starts


def _any_link_out_of_range(rows: NDArray[np.uint8], max_links: int, count: int) -> bool:
    lengths = _column(rows, 0, 2, np.uint16)
    if (lengths > max_links).any():
        return True
    links = _column(rows, 4, 4 * max_links, np.uint32)
    return bool((links[np.arange(max_links) < lengths] >= count).any())


def _column(rows: NDArray[np.uint8], offset: int, size: int, dtype: type[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(rows[:, offset : offset + size]).view(dtype)


def _file(path: Path, dtype: type[Any], shape: int | tuple[int, int]) -> NDArray[Any]:
    """Map a file as an array; it may be longer, because hnswlib reserves space."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if path.stat().st_size < size:
        msg = f"{path.name} has {path.stat().st_size} bytes, expected {size}"
        raise ValueError(msg)
    if size == 0:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", shape=shape)

"""Chroma's search graph on disk, looked at before Chroma opens it.

Chroma writes a collection's graph in place, into five files, each time a thousand records have
come. Killed meanwhile, it leaves files that crash whoever opens them, with a segmentation fault
rather than an exception. The layout is hnswlib's; every reference in it is followed here.
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

# Version, then: offset of level 0, capacity, elements, bytes an element, offset of the label, of
# the vector; highest level and its element; links a level, on level 0, and M; two of building.
_HEADER = struct.Struct("<i6QiI3QdQ")
_DELETED_AT = 2  # The byte of an element whose lowest bit marks it as deleted.
_ROWS = 8192
# A graph of more bytes is looked at only as far as sizes and headers tell when it is opened; all of
# one of this size takes a third of a second.
_ALL_AT_OPENING = 128 * 2**20
DATABASE = "chroma.sqlite3"
_IDS = "index_metadata.pickle"


@dataclass(frozen=True, slots=True)
class _Header:
    count: int
    size: int
    label_at: int
    vector_at: int
    top_level: int
    entry: int
    links: int
    base_links: int

    @classmethod
    def read(cls, path: Path) -> _Header:
        fields = _HEADER.unpack(path.read_bytes()[: _HEADER.size])
        return cls(*fields[3:7], *fields[7:9], *fields[9:11])


def graph_fault(chroma: Path, collection: str, *, full: bool = True) -> str | None:
    """Say why the graph of a collection cannot be opened safely.

    Args:
        chroma: Chroma's folder.
        collection: Name of the collection.
        full: Whether to look at all of a large graph, or at its sizes and headers.

    Returns:
        What is wrong; None if the graph is whole, or none has been written yet.
    """
    folder, is_written = _graph_folder(chroma, collection)
    if folder is None:
        return None
    if not (folder / _IDS).exists():
        # Before it wrote a graph Chroma makes it from its own log, which it shortens afterwards.
        return f"its list of ids, {_IDS}, is missing" if is_written else None
    try:
        with (folder / _IDS).open("rb") as file:
            labels = _PlainUnpickler(file).load()["label_to_id"]
        header = _Header.read(folder / "header.bin")
        return _fault(folder, header, set(labels), full=full)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as err:
        return f"a file of it is cut short or missing ({err})"
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError) as err:
        return f"its list of ids is cut short ({err})"


def graph_backlog(chroma: Path, collection: str) -> int:
    """Count the records in Chroma's log that the graph on disk does not have yet.

    Args:
        chroma: Chroma's folder.
        collection: Name of the collection.

    Returns:
        The number; 0 where that cannot be told.
    """
    sql = (
        "SELECT count(*) FROM embeddings_queue WHERE topic LIKE '%' || (SELECT id FROM collections"
        " WHERE name = ?) AND seq_id > coalesce((SELECT seq_id FROM max_seq_id JOIN segments"
        " ON segments.id = segment_id JOIN collections ON collections.id = collection"
        " WHERE name = ? AND scope = 'VECTOR'), 0)"
    )
    row = _ask(chroma, sql, (collection, collection))
    return row[0] if row else 0


class _PlainUnpickler(pickle.Unpickler):
    """Reads plain dicts, strings and numbers, and refuses all else."""

    def find_class(self, module: str, name: str) -> NoReturn:
        msg = f"expected plain values, got {module}.{name}"
        raise pickle.UnpicklingError(msg)


def _graph_folder(chroma: Path, collection: str) -> tuple[Path | None, bool]:
    """Where the graph is to be, and whether Chroma has written it."""
    sql = (
        "SELECT segments.id, max_seq_id.seq_id IS NOT NULL FROM segments"
        " JOIN collections ON collections.id = collection"
        " LEFT JOIN max_seq_id ON max_seq_id.segment_id = segments.id"
        " WHERE name = ? AND scope = 'VECTOR'"
    )
    row = _ask(chroma, sql, (collection,))
    return (chroma / row[0], bool(row[1])) if row else (None, False)


def _ask(chroma: Path, sql: str, values: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The first row of Chroma's database that answers; None if none does."""
    uri = f"{(chroma / DATABASE).absolute().as_uri()}?mode=ro"
    try:
        with block_forks(), closing(sqlite3.connect(uri, uri=True)) as connection:
            row: tuple[Any, ...] | None = connection.execute(sql, values).fetchone()
    except sqlite3.Error:
        return None
    return row


def _fault(folder: Path, header: _Header, labels: set[int], *, full: bool) -> str | None:
    if header.count == 0:
        return "it lists ids and holds no vectors" if labels else None
    if _astray_from_one(_file(folder / "length.bin", np.float32, header.count)):
        return "the lengths of its vectors as they were given are not 1"
    elements = _file(folder / "data_level0.bin", np.uint8, (header.count, header.size))
    _file(folder / "link_lists.bin", np.uint32, header.count)  # Their sizes, at least.
    if not full and elements.nbytes > _ALL_AT_OPENING:
        return None if len(labels) <= header.count else "its list of ids is longer than it"
    elements_seen, deleted = set[int](), set[int]()
    for index in range(0, header.count, _ROWS):
        rows = np.ascontiguousarray(elements[index : index + _ROWS])
        if fault := _base_fault(rows, header):
            return fault
        names = _column(rows, header.label_at, 8, np.uint64)[:, 0]
        elements_seen.update(names.tolist())
        deleted.update(names[rows[:, _DELETED_AT] & 1 == 1].tolist())
    if len(elements_seen) != header.count or not labels <= elements_seen:
        return "its elements are not those that its list of ids names"
    if labels & deleted:
        return "its list of ids names elements that are deleted"  # Chroma deletes none twice.
    return _upper_fault(folder / "link_lists.bin", header)


def _base_fault(rows: NDArray[np.uint8], header: _Header) -> str | None:
    if _links_astray(rows, header.base_links, header.count):
        return "links lead nowhere"
    vectors = _column(rows, header.vector_at, header.label_at - header.vector_at, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # Of damaged numbers anything may come.
        lengths = np.linalg.norm(vectors, axis=1)
    return "vectors are not of length 1" if _astray_from_one(lengths) else None


def _astray_from_one(lengths: NDArray[np.float32]) -> bool:
    # Said so that a length which is no number is astray as well.
    return not bool((np.abs(lengths - 1) < 1e-2).all())


def _upper_fault(path: Path, header: _Header) -> str | None:
    """Look at the levels above the lowest: of each element, their size and then its links there."""
    words = _file(path, np.uint32, path.stat().st_size // 4)
    levels, firsts = _upper_levels(words, header)
    if header.entry >= header.count or levels[header.entry] != header.top_level:
        return "its entry point is wrong"
    for element, first in firsts:
        for level in range(1, levels[element] + 1):
            index = first + (level - 1) * (header.links + 1)
            links = words[index + 1 : index + 1 + (int(words[index]) & 0xFFFF)]
            if len(links) > header.links or (links >= header.count).any():
                return "links of its upper levels lead nowhere"
            if (levels[links] < level).any():
                return "links of its upper levels lead to elements that have no such level"
    return None


def _upper_levels(
    words: NDArray[Any], header: _Header
) -> tuple[NDArray[np.uint8], list[tuple[int, int]]]:
    """The level of each element, and where the links of those above the lowest begin."""
    levels = np.zeros(header.count, np.uint8)
    firsts: list[tuple[int, int]] = []
    filled = np.flatnonzero(words)
    index = element = 0
    while (turn := int(np.searchsorted(filled, index))) < len(filled):
        element += int(filled[turn]) - index
        index = int(filled[turn])
        level, rest = divmod(int(words[index]), 4 * (header.links + 1))
        if rest or level > header.top_level or element >= header.count:
            msg = f"link_lists.bin gives element {element} {words[index]} bytes"
            raise ValueError(msg)
        levels[element] = level
        firsts.append((element, index + 1))
        index += 1 + level * (header.links + 1)
        element += 1
    if index > len(words) or element + len(words) - index != header.count:
        msg = f"link_lists.bin ends at element {element} of {header.count}"
        raise ValueError(msg)
    return levels, firsts


def _links_astray(rows: NDArray[np.uint8], most: int, count: int) -> bool:
    if (_column(rows, 0, 2, np.uint16) > most).any():
        return True
    links, used = _links(rows, most)
    return bool((links[used] >= count).any())


def _links(rows: NDArray[np.uint8], most: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    used = np.arange(most) < _column(rows, 0, 2, np.uint16)
    return _column(rows, 4, 4 * most, np.uint32).astype(np.int64), used


def _column(rows: NDArray[np.uint8], index: int, size: int, kind: type[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(rows[:, index : index + size]).view(kind)


def _file(path: Path, kind: type[Any], shape: int | tuple[int, int]) -> NDArray[Any]:
    """The file as an array, which it must hold; room kept for more may follow."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    if path.stat().st_size < size:
        msg = f"{path.name} has {path.stat().st_size} bytes, expected {size}"
        raise ValueError(msg)
    if size == 0:
        return np.zeros(shape, kind)
    return np.memmap(path, kind, "r", shape=shape)

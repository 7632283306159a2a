"""Checks of the lexical index and of the vectors against the passages table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from wikirank._util import chunks, counted
from wikirank.embed import Embedder
from wikirank.index.bm25 import LexicalIndex
from wikirank.index.bm25_files import lexical_fault
from wikirank.index.languages import ENGLISH
from wikirank.index.store import PassageStore
from wikirank.index.vectors.base import StoredRecord, VectorIndex
from wikirank.index.vectors.embedded import FOLDER
from wikirank.index.vectors.hnsw_files import DATABASE, graph_fault
from wikirank.index.vectors.open import open_dense
from wikirank.index.vectors.server import chroma_metadata
from wikirank.index.verify.database import check_database, readable_passages
from wikirank.index.verify.report import Check, storage_faults
from wikirank.types import Passage

AT_ONCE = 256
_SAMPLE = 200
# What a vector made again may differ: the int8 network rounds otherwise on other processors.
_LEAST_COSINE = 0.99


class VectorFault(Enum):
    """What may be wrong with what Chroma stores of a passage; the values are for people."""

    MISSING = "missing from Chroma"
    OTHER_TEXT = "Chroma has another text of it"
    OTHER_METADATA = "Chroma has other metadata of it"
    OTHER_DIMENSION = "its vector has another dimension than the model's"
    NOT_UNIT = "its vector is not of length 1"
    OTHER_VECTOR = "its vector is not that of its text"
    NOT_FOUND = "a search for its vector does not find it"


@dataclass(frozen=True, slots=True)
class ComparedBatch:
    """Passages compared with what Chroma stores of them.

    Attributes:
        passages: The passages.
        faults: What is wrong, by id.
        stored: How many of them Chroma has.
        remade: How many vectors were made again.
    """

    passages: list[Passage]
    faults: dict[str, VectorFault]
    stored: int
    remade: int


def check_lexical(check: Check, store: PassageStore, folder: Path) -> None:
    """Look whether the lexical index holds every passage once, under all its words, and no other.

    Args:
        check: Told what is seen.
        store: The index's store.
        folder: The lexical index's folder.
    """
    if fault := lexical_fault(folder, full=True):
        check.fault(f"the lexical index in {folder} is damaged: {fault}")
        return
    with storage_faults(check):
        lexical = LexicalIndex(folder, language=store.read_meta().get("language", ENGLISH))
        entries = 0
        for passages in chunks(readable_passages(store), AT_ONCE):
            check.seen += len(passages)
            entries += _check_words(check, lexical, passages)
        if orphans := lexical.count() - entries:
            check.fault(
                f"{counted(orphans, 'entry', 'entries')} of no passage in the lexical index"
            )


def _check_words(check: Check, lexical: LexicalIndex, passages: Sequence[Passage]) -> int:
    entries = Counter(lexical.holding([passage.id for passage in passages]))
    for passage in passages:
        if entries[passage.id] != 1:
            check.fault(f"passage {passage.id} is in the lexical index {entries[passage.id]} times")
        elif not lexical.holds_words(passage):
            check.fault(f"passage {passage.id} is not found by its words")
    return sum(entries.values())


def check_chroma_files(check: Check, folder: Path, collection: str) -> None:
    """Look at Chroma's files before Chroma does, which a damaged one would crash.

    Args:
        check: Told what is seen.
        folder: The index's folder.
        collection: Name of the collection.
    """
    database = folder / FOLDER / DATABASE
    if not database.exists():
        check.fault(f"{DATABASE} is missing from {folder / FOLDER}")
        return
    check_database(check, database)
    if fault := graph_fault(folder / FOLDER, collection):
        check.fault(f"the search graph is damaged: {fault}")


def check_vectors(
    check: Check, store: PassageStore, folder: Path, embedder: Embedder, *, full: bool
) -> None:
    """Look whether Chroma holds every passage as it is, with its own vector, and no other.

    Args:
        check: Told what is seen.
        store: The index's store.
        folder: The index's folder.
        embedder: The model that made the vectors.
        full: Whether to make every vector again, or those of a sample.
    """
    stored = remade = 0
    with storage_faults(check), open_dense(folder, store, store.read_meta()) as dense:
        for batch in compare_vectors(store, dense, embedder, full=full):
            check.seen += len(batch.passages)
            stored, remade = stored + batch.stored, remade + batch.remade
            for id_, fault in batch.faults.items():
                check.fault(f"passage {id_}: {fault.value}")
        if orphans := dense.count() - stored:
            check.fault(f"{counted(orphans, 'vector')} of no passage")
    check.note = (
        f"{counted(remade, 'vector')} made again and compared, {_LEAST_COSINE} is near enough"
    )


def compare_vectors(
    store: PassageStore, dense: VectorIndex, embedder: Embedder, *, full: bool
) -> Iterator[ComparedBatch]:
    """Compare passages with what Chroma stores of them.

    Args:
        store: The index's store.
        dense: The vectors.
        embedder: The model that made them.
        full: Whether to make every vector again, or those of a sample.

    Yields:
        Some hundred passages at a time.
    """
    stride = 1 if full else max(1, store.count() // _SAMPLE)
    width = len(embedder.embed_query("dimension"))
    for passages in chunks(readable_passages(store), AT_ONCE):
        records = dense.get([passage.id for passage in passages])
        faults = {
            passage.id: fault
            for passage in passages
            if (fault := _record_fault(passage, records.get(passage.id), width))
        }
        sample = [
            passage
            for passage in passages
            if passage.id not in faults and crc32(passage.id.encode()) % stride == 0
        ]
        faults.update(_vector_faults(sample, records, dense, embedder))
        yield ComparedBatch(passages, faults, len(records), len(sample))


def _record_fault(passage: Passage, record: StoredRecord | None, width: int) -> VectorFault | None:
    if record is None:
        return VectorFault.MISSING
    if record.text != passage.text:
        return VectorFault.OTHER_TEXT
    if record.metadata != chroma_metadata(passage):
        return VectorFault.OTHER_METADATA
    if record.vector is None or record.vector.shape != (width,):
        return VectorFault.OTHER_DIMENSION
    if abs(float(np.linalg.norm(record.vector)) - 1) > 1e-2:
        return VectorFault.NOT_UNIT
    return None


def _vector_faults(
    passages: Sequence[Passage],
    records: Mapping[str, StoredRecord],
    dense: VectorIndex,
    embedder: Embedder,
) -> Iterator[tuple[str, VectorFault]]:
    """Make vectors again, and search for them."""
    if not passages:
        return
    vectors = embedder.embed_passages([passage.headed_text for passage in passages])
    for passage, vector in zip(passages, vectors, strict=True):
        stored = records[passage.id].vector
        if stored is None or float(vector @ stored) < _LEAST_COSINE:
            yield passage.id, VectorFault.OTHER_VECTOR
        elif not _is_found(dense, vector):
            yield passage.id, VectorFault.NOT_FOUND


def _is_found(dense: VectorIndex, vector: NDArray[np.float32]) -> bool:
    hits = dense.search(vector, 5)
    return bool(hits) and hits[0][1] >= _LEAST_COSINE - 0.01

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

BATCH_SIZE = 256
_SAMPLE = 200
# Recomputed vectors may differ a little: the int8 network rounds differently on each processor.
_MIN_COSINE = 0.99


class VectorFault(Enum):
    """A fault of a record in Chroma; the values are texts for the user."""

    MISSING = "missing from Chroma"
    OTHER_TEXT = "Chroma has a different text"
    OTHER_METADATA = "Chroma has different metadata"
    OTHER_DIMENSION = "its vector does not have the model's dimension"
    NOT_UNIT = "its vector does not have length 1"
    OTHER_VECTOR = "its vector does not match its text"
    NOT_FOUND = "a search for its vector does not find it"


@dataclass(frozen=True, slots=True)
class ComparedBatch:
    """The comparison of some passages with their records in Chroma.

    Attributes:
        passages: The passages.
        faults: Faults by passage id.
        stored: Number of these passages that are in Chroma.
        recomputed: Number of vectors that were computed again.
    """

    passages: list[Passage]
    faults: dict[str, VectorFault]
    stored: int
    recomputed: int


def check_lexical(check: Check, store: PassageStore, folder: Path) -> None:
    """Check that the lexical index has each passage once, with all its words, and no others."""
    if fault := lexical_fault(folder, full=True):
        check.fault(f"the lexical index in {folder} is damaged: {fault}")
        return
    with storage_faults(check):
        lexical = LexicalIndex(folder, language=store.read_meta().get("language", ENGLISH))
        entries = 0
        for passages in chunks(readable_passages(store), BATCH_SIZE):
            check.seen += len(passages)
            entries += _check_words(check, lexical, passages)
        if orphans := lexical.count() - entries:
            check.fault(
                f"{counted(orphans, 'entry', 'entries')} without a passage in the lexical index"
            )


def _check_words(check: Check, lexical: LexicalIndex, passages: Sequence[Passage]) -> int:
    entries = Counter(lexical.indexed_ids([passage.id for passage in passages]))
    for passage in passages:
        if entries[passage.id] != 1:
            check.fault(f"passage {passage.id} is in the lexical index {entries[passage.id]} times")
        elif not lexical.is_findable(passage):
            check.fault(f"a search for its words does not find passage {passage.id}")
    return sum(entries.values())


def check_chroma_files(check: Check, folder: Path, collection: str) -> None:
    """Check Chroma's files without opening them in Chroma, which a damaged file would crash."""
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
    """Check that Chroma has each passage with the right vector, and no others.

    Args:
        check: Collects the faults.
        store: The index's store.
        folder: Folder of the index.
        embedder: The model that made the vectors.
        full: Compute every vector again; otherwise about 200.
    """
    stored = recomputed = 0
    with storage_faults(check), open_dense(folder, store, store.read_meta()) as dense:
        for batch in compare_vectors(store, dense, embedder, full=full):
            check.seen += len(batch.passages)
            stored, recomputed = stored + batch.stored, recomputed + batch.recomputed
            for id_, fault in batch.faults.items():
                check.fault(f"passage {id_}: {fault.value}")
        if orphans := dense.count() - stored:
            check.fault(f"{counted(orphans, 'vector')} without a passage")
    check.note = (
        f"{counted(recomputed, 'vector')} recomputed, expected cosine {_MIN_COSINE} or more"
    )


def compare_vectors(
    store: PassageStore, dense: VectorIndex, embedder: Embedder, *, full: bool
) -> Iterator[ComparedBatch]:
    """Compare passages with their records in Chroma, batch by batch; see `check_vectors`."""
    stride = 1 if full else max(1, store.count() // _SAMPLE)
    width = len(embedder.embed_query("dimension"))
    for passages in chunks(readable_passages(store), BATCH_SIZE):
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
    """Compute vectors again, compare them with the stored ones, and search for them."""
    if not passages:
        return
    vectors = embedder.embed_passages([passage.headed_text for passage in passages])
    for passage, vector in zip(passages, vectors, strict=True):
        stored = records[passage.id].vector
        if stored is None or float(vector @ stored) < _MIN_COSINE:
            yield passage.id, VectorFault.OTHER_VECTOR
        elif not _is_found(dense, vector):
            yield passage.id, VectorFault.NOT_FOUND


def _is_found(dense: VectorIndex, vector: NDArray[np.float32]) -> bool:
    hits = dense.search(vector, 5)
    return bool(hits) and hits[0][1] >= _MIN_COSINE - 0.01

"""Checks of the lexical index and of the vectors against the passages table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from wikirank._util import chunks
from wikirank.embed import Embedder
from wikirank.errors import IndexConnectionError, IndexStorageError
from wikirank.index.bm25 import LexicalIndex
from wikirank.index.bm25_files import lexical_fault
from wikirank.index.languages import ENGLISH
from wikirank.index.store import PassageStore
from wikirank.index.vectors.base import StoredRecord, VectorIndex
from wikirank.index.vectors.server import chroma_metadata
from wikirank.index.verify.database import readable_passages
from wikirank.index.verify.report import Check
from wikirank.types import Passage

AT_ONCE = 256
SAMPLE = 200
MISSING = "Chroma has it not"
# What a vector made again may differ: the int8 network rounds otherwise on other processors.
_LEAST_COSINE = 0.99

Vector = NDArray[np.float32]


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
    try:
        lexical = LexicalIndex(folder, language=store.read_meta().get("language", ENGLISH))
        found = 0
        for passages in chunks(readable_passages(store), AT_ONCE):
            check.seen += len(passages)
            found += _compare_words(check, lexical, passages)
        if orphans := lexical.count() - found:
            check.fault(f"{orphans} entries of the lexical index belong to no passage")
    except IndexStorageError as err:
        check.fault(str(err))


def _compare_words(check: Check, lexical: LexicalIndex, passages: Sequence[Passage]) -> int:
    held = Counter(lexical.holding([passage.id for passage in passages]))
    for passage in passages:
        if held[passage.id] != 1:
            check.fault(f"passage {passage.id} is in the lexical index {held[passage.id]} times")
        elif not lexical.holds_words(passage):
            check.fault(f"passage {passage.id} is not found by its words")
    return sum(held.values())


def check_vectors(
    check: Check, store: PassageStore, dense: VectorIndex, embedder: Embedder, *, full: bool
) -> None:
    """Look whether Chroma holds every passage as it is, with its own vector, and no other.

    Args:
        check: Told what is seen.
        store: The index's store.
        dense: The dense index.
        embedder: The model that made the vectors.
        full: Whether to make every vector again, or those of a sample.
    """
    stride = 1 if full else max(1, store.count() // SAMPLE)
    found = again = 0
    try:
        for passages, faults, held, made in compared(store, dense, embedder, stride):
            check.seen += len(passages)
            found, again = found + held, again + made
            for id_, fault in faults.items():
                check.fault(f"passage {id_}: {fault}")
        if orphans := dense.count() - found:
            check.fault(f"{orphans} vectors belong to no passage")
    except IndexConnectionError:
        raise
    except IndexStorageError as err:
        check.fault(str(err))
    check.note = f"{again} vectors were made again and compared, {_LEAST_COSINE} is near enough"


def compared(
    store: PassageStore, dense: VectorIndex, embedder: Embedder, stride: int
) -> Iterator[tuple[list[Passage], dict[str, str], int, int]]:
    """Compare passages with what Chroma holds, some hundred at a time.

    Args:
        store: The index's store.
        dense: The dense index.
        embedder: The model that made the vectors.
        stride: Of how many passages one has its vector made again.

    Yields:
        The passages, what is wrong by id, how many of them Chroma holds, and how many vectors
        were made again.
    """
    width = len(embedder.embed_query("dimension"))
    for passages in chunks(readable_passages(store), AT_ONCE):
        held = dense.get([passage.id for passage in passages])
        faults = {
            passage.id: fault
            for passage in passages
            if (fault := _fault(passage, held.get(passage.id), width))
        }
        sample = [passage for passage in passages if crc32(passage.id.encode()) % stride == 0]
        sample = [passage for passage in sample if passage.id not in faults]
        faults.update(_wrong_vectors(sample, held, dense, embedder))
        yield passages, faults, len(held), len(sample)


def _fault(passage: Passage, held: StoredRecord | None, width: int) -> str:
    if held is None:
        return MISSING
    if held.text != passage.text:
        return "Chroma has another text of it"
    if held.metadata != chroma_metadata(passage):
        return "Chroma has other metadata of it"
    if held.vector is None or held.vector.shape != (width,):
        return f"its vector has not {width} numbers"
    if abs(float(np.linalg.norm(held.vector)) - 1) > 1e-2:
        return "its vector is not of length 1"
    return ""


def _wrong_vectors(
    passages: Sequence[Passage],
    held: dict[str, StoredRecord],
    dense: VectorIndex,
    embedder: Embedder,
) -> Iterator[tuple[str, str]]:
    """Make vectors again, and search for them."""
    if not passages:
        return
    vectors = embedder.embed_passages([passage.headed_text for passage in passages])
    for passage, vector in zip(passages, vectors, strict=True):
        stored = held[passage.id].vector
        cosine = float(vector @ stored) if stored is not None else 0.0
        if cosine < _LEAST_COSINE:
            yield passage.id, f"its vector is not that of its text (cosine {cosine:.2f})"
        elif not _is_found(dense, vector):
            yield passage.id, "a search for its vector does not find it"


def _is_found(dense: VectorIndex, vector: Vector) -> bool:
    hits = dense.search(vector, 5)
    return bool(hits) and hits[0][1] >= _LEAST_COSINE - 0.01

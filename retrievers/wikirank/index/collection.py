"""Search a Chroma collection that other programs write to.

Local Chroma has no lexical search, so the words of the collection are mirrored in a folder beside
Chroma's files, or in a temporary one. Each search first asks the collection for its number of
records and its last id, and mirrors the differences. Texts and metadata of hits are read from the
collection itself, so a record that was changed in place is returned in its current form. Its new
words can be searched after `refresh`, or after the record was a hit once.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
from filelock import FileLock
from typing_extensions import override

from wikirank._util import ForkSafeLock, chunks
from wikirank._version import __version__
from wikirank.embed import Embedder, load_embedder
from wikirank.errors import IndexMismatchError, InvalidArgumentError
from wikirank.index.bm25 import detect_language
from wikirank.index.index import WikiIndex
from wikirank.index.preconditions import FORMAT, refuse_duplicates
from wikirank.index.store import (
    STORE_FILE,
    PassageStore,
    delete_passages,
    insert_passages,
    record_write,
)
from wikirank.index.vectors.collection import (
    CollectionState,
    CollectionVectors,
    cosine_similarities,
)
from wikirank.index.vectors.server import Record, passage_fields
from wikirank.passages.records import passage_from_record
from wikirank.types import Passage

_SAMPLE = 3
# Two vectors of one text by one model have a cosine near 1, and at least 0.8 if one was quantised,
# made of a truncated text or with a prompt. Vectors of different models are unrelated.
_MIN_MODEL_COSINE = 0.5
_BATCH_SIZE = 1000


class CollectionIndex(WikiIndex):
    """An index over a Chroma collection and its mirror; use `open_collection_index` to open it."""

    def __init__(self, folder: Path, vectors: CollectionVectors, embedder: Embedder) -> None:
        store = _LiveStore(folder / STORE_FILE)
        if not store.read_meta():
            store.write_meta(_meta(vectors, embedder))
        super().__init__(folder, store, vectors, embedder)
        self._bound_to = "of a Chroma client, which belongs to this process"
        self._vectors = vectors
        self._mutex = ForkSafeLock(reentrant=True)
        store.current = self._current
        self._live_store = store
        self.sync()

    @override
    def _repair_hint(self, path: Path) -> str:
        """Return how to rebuild a damaged mirror: it is read from the collection again."""
        return f"Delete {path} and open the collection again, which rebuilds it."

    @override
    def sync(self) -> None:
        """See what other programs added or deleted; two small requests if nothing changed."""
        super().sync()
        state = self._vectors.state()
        if state != self._mirrored_state():
            with self._writing():
                self._mirror_changes(state)

    @override
    def refresh(self) -> int:
        """Read the whole collection again, to see records that were changed in place.

        Returns:
            The number of passages that were added, changed or removed in the mirror.
        """
        state = self._vectors.state()
        with self._writing():
            records = self._vectors.records_from(0)
            changed = self._changed_passages(records)
            removed = self._ids_missing_from(record.id for record in records)
            self._mirror(changed, removed, state)
        return len(changed) + len(removed)

    @override
    def add_passages(self, passages: Iterable[Passage], *, wait: float = 0.0) -> int:
        """Write passages to the collection; embeds their texts without headings.

        Args:
            passages: Passages, each with its own id.
            wait: Ignored: a collection has no single writer to wait for.

        Returns:
            The number of passages written.

        Raises:
            InvalidArgumentError: If an id occurs twice or Chroma cannot store the metadata.
        """
        passages = list(passages)
        refuse_duplicates(passages)
        records = [Record(p.id, p.text, _metadata(p)) for p in passages]
        for batch in chunks(records, _BATCH_SIZE):
            self._vectors.write(batch, self.embedder.embed_passages([r.text for r in batch]))
        with self._writing():
            self._mirror_changes(self._vectors.state())
            self._mirror(self._changed_passages(records), [], self._vectors.state())
        return len(records)

    @override
    def remove_passages(self, ids: Sequence[str]) -> int:
        """Delete records from the collection; unknown ids are ignored."""
        present = [record.id for record in self._vectors.get_records(ids)]
        if present:
            self._vectors.delete(present)
        self.sync()
        return len(present)

    def _current(self, mirrored: Mapping[str, Passage]) -> dict[str, Passage]:
        """Return passages as the collection has them now; mirror those that changed."""
        records = self._vectors.get_records(list(mirrored)) if mirrored else []
        current = {r.id: self._passage(r, mirrored[r.id].number) for r in records}
        changed = [passage for id_, passage in current.items() if passage != mirrored[id_]]
        removed = [id_ for id_ in mirrored if id_ not in current]
        if changed or removed:
            with self._writing():
                self._mirror(changed, removed, None)
        return {id_: current[id_] for id_ in mirrored if id_ in current}

    def _mirror_changes(self, state: CollectionState) -> None:
        """Mirror added and deleted records; reads only the end if records were only appended."""
        before = self._mirrored_state()
        if before and state.count > before.count:
            tail = self._vectors.records_from(max(0, before.count - 1))
            added = tail[1:] if before.count else tail
            is_unmoved = not before.count or (tail and tail[0].id == before.last)
            if is_unmoved and len(added) == state.count - before.count:
                self._mirror(self._numbered(added), [], state)
                return
        ids = self._vectors.all_ids()
        mirrored = self._ids()
        removed = self._ids_missing_from(ids)
        for batch in chunks([id_ for id_ in ids if id_ not in mirrored], _BATCH_SIZE):
            self._mirror(self._numbered(self._vectors.get_records(batch)), removed, None)
            removed = []
        self._mirror([], removed, state)

    def _mirror(
        self, passages: Sequence[Passage], removed: Sequence[str], state: CollectionState | None
    ) -> None:
        """Write and delete passages of the mirror."""
        # The lexical index first: a hit without a row in the store is ignored.
        if passages:
            detect_language(self.lexical, self.store, passages)
        if passages or removed:
            with self.lexical.writer() as writer:
                for batch in chunks(passages, _BATCH_SIZE):
                    writer.put(batch)
                writer.delete(removed)
        with self.store.transaction() as connection:
            delete_passages(connection, removed)
            insert_passages(connection, passages)
            if state is not None:
                values = ("mirrored", json.dumps(state))
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
            record_write(connection, self._vectors.collection_id)

    def _mirrored_state(self) -> CollectionState | None:
        """Return the collection's state when it was last mirrored; None if it never was."""
        row = self.store.connection.execute(
            "SELECT value FROM meta WHERE key = 'mirrored'"
        ).fetchone()
        return None if row is None else CollectionState(*json.loads(row[0]))

    def _ids(self) -> set[str]:
        return {id_ for (id_,) in self.store.connection.execute("SELECT id FROM passages")}

    def _ids_missing_from(self, ids: Iterable[str]) -> list[str]:
        return sorted(self._ids().difference(ids))

    def _numbered(self, records: Sequence[Record]) -> list[Passage]:
        (last,) = self.store.connection.execute("SELECT max(number) FROM passages").fetchone()
        first = 0 if last is None else last + 1
        return [self._passage(record, number) for number, record in enumerate(records, first)]

    def _changed_passages(self, records: Sequence[Record]) -> list[Passage]:
        """Return the passages of new records and of records that differ from the mirror."""
        mirrored = self._live_store.mirrored([record.id for record in records])
        old = [self._passage(r, mirrored[r.id].number) for r in records if r.id in mirrored]
        new = self._numbered([record for record in records if record.id not in mirrored])
        return [passage for passage in old if passage != mirrored[passage.id]] + new

    def _passage(self, record: Record, number: int) -> Passage:
        source = str(self._meta["collection"])
        return passage_from_record(*record, source=source, number=number)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let one thread of one process mirror at a time."""
        with self._mutex, FileLock(self.path / "write.lock"):
            yield


class _LiveStore(PassageStore):
    """The mirror's store; `get` returns passages as the collection has them now."""

    current: Any = None

    @override
    def get(self, ids: Sequence[str]) -> dict[str, Passage]:
        passages: dict[str, Passage] = super().get(ids)
        return self.current(passages) if self.current else passages

    def mirrored(self, ids: Sequence[str]) -> dict[str, Passage]:
        """Return the passages as they were mirrored."""
        return super().get(ids)


def open_collection_index(
    collection: chromadb.Collection,
    *,
    embedder: Embedder | None = None,
    path: Path | str | None = None,
) -> CollectionIndex:
    """Open a collection that another program writes to.

    Args:
        collection: A collection of any Chroma client, in any space.
        embedder: The model that made the collection's vectors, with the same scaling; None uses
            the bundled one.
        path: Folder of the mirror. None uses a folder beside Chroma's files if they are on this
            machine and can be written, otherwise a temporary one.

    Returns:
        The open index.

    Raises:
        IndexMismatchError: If the collection was made with another model.
        InvalidArgumentError: If the folder holds something other than a mirror of this collection.
    """
    vectors = CollectionVectors(collection)
    embedder = embedder or load_embedder()
    check_model(vectors, collection.name, embedder)
    folder = _folder_beside(collection) if path is None else Path(path)
    temporary = folder is None
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="wikirank-"))
    folder.mkdir(parents=True, exist_ok=True)
    _check_mirror(folder, vectors)
    index = CollectionIndex(folder, vectors, embedder)
    if temporary:
        weakref.finalize(index, _remove_mirror, folder, os.getpid())
    return index


def _remove_mirror(folder: Path, process: int) -> None:
    """Delete a temporary mirror, in the process that created it, not in a forked child."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def check_model(vectors: CollectionVectors, name: str, embedder: Embedder) -> None:
    """Raise IndexMismatchError if stored texts, embedded again, differ from their vectors."""
    stored = vectors.sample(_SAMPLE)
    if not stored:
        return
    again = embedder.embed_passages([text for text, _ in stored])
    widths = len(stored[0][1]), again.shape[1]
    advice = "Pass the embeddings that made it: embedding=…"
    if widths[0] != widths[1]:
        msg = (
            f"Expected vectors of {embedder.model_id} with {widths[1]} dimensions in collection "
            f"{name!r}, got {widths[0]} dimensions. {advice}"
        )
        raise IndexMismatchError(msg)
    cosines = [
        float(cosine_similarities(vector, row[np.newaxis])[0])
        for (_, vector), row in zip(stored, again, strict=True)
    ]
    if float(np.median(cosines)) < _MIN_MODEL_COSINE:
        shown = ", ".join(f"{cosine:.2f}" for cosine in cosines)
        msg = (
            f"Expected vectors of {embedder.model_id} in collection {name!r}, got vectors of "
            f"another model: the cosines of stored and new vectors are {shown}. {advice}"
        )
        raise IndexMismatchError(msg)


def _folder_beside(collection: chromadb.Collection) -> Path | None:
    """Return a folder beside the collection's files if they are here and can be written."""
    settings = collection._client.get_settings()
    chroma = Path(settings.persist_directory)
    if not settings.is_persistent or not os.access(chroma, os.W_OK):
        return None
    return chroma / f"wikirank-{collection.id}"


def _check_mirror(folder: Path, vectors: CollectionVectors) -> None:
    if not (folder / STORE_FILE).exists():
        return
    store = PassageStore(folder / STORE_FILE)
    try:
        meta = store.read_meta()
    finally:
        store.close()
    if meta and meta.get("collection_id") != vectors.collection_id:
        msg = (
            f"Expected a new folder, or the mirror of this collection, at {folder}, got something "
            "else. Choose another path."
        )
        raise InvalidArgumentError(msg)


def _meta(vectors: CollectionVectors, embedder: Embedder) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "wikirank_version": __version__,
        "embedder": embedder.model_id,
        "splitter": {},
        "chroma_url": None,
        "collection": vectors.name,
        "language": None,
        "collection_id": vectors.collection_id,
    }


def _metadata(passage: Passage) -> dict[str, Any]:
    """Return what Chroma stores of a passage: its fields and its metadata."""
    nested = [key for key, value in passage.metadata.items() if isinstance(value, (dict, list))]
    if nested:
        msg = (
            "Expected metadata of strings, numbers and bools, which Chroma can store, "
            f"got {nested[0]!r} of passage {passage.id!r}. Leave it out, or convert it to a string."
        )
        raise InvalidArgumentError(msg)
    fields = passage_fields(replace(passage, source=""))
    return {
        **fields,
        **{key: value for key, value in passage.metadata.items() if value is not None},
    }

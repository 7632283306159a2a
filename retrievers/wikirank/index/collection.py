"""A Chroma collection that lives: searched as it is now, with a lexical index kept beside it.

Chroma has no lexical search of its own here, so the words of the collection are mirrored: into a
folder beside Chroma's files where there is one, else into a temporary one. Each question first asks
the collection for its number of records and its last id, and mirrors what differs. Texts and
metadata of what is found are read from the collection itself, so a record that was changed in place
is shown as it is now; its new words are found after `refresh`, or once it was found at all.
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
from wikirank.index.bm25 import settle_language
from wikirank.index.index import WikiIndex
from wikirank.index.preconditions import FORMAT
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
# Vectors of one model for one text have a cosine near 1, quantised, cut or with a prompt 0.8 or
# more; those of two models of the same width are as good as random to each other.
_SAME_MODEL = 0.5
_BATCH = 1000


class CollectionIndex(WikiIndex):
    """A Chroma collection with its words mirrored; opened by `open_collection_index`.

    Args:
        folder: Where the mirror is, or is to be.
        vectors: The collection.
        embedder: The model that made its vectors.
    """

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
    def _remedy(self, path: Path) -> str:
        """The words are the collection's, and read from it where there are none."""
        return f"Delete {path} and open the collection again, which makes it anew."

    @override
    def sync(self) -> None:
        """See what other programs added or deleted; costs two small requests if nothing was."""
        super().sync()
        state = self._vectors.state()
        if state != self._mirrored():
            with self._writing():
                self._follow(state)

    @override
    def refresh(self) -> int:
        """Read the whole collection again, for records that were changed in place.

        Returns:
            How many passages of the mirror were added, changed or removed.
        """
        state = self._vectors.state()
        with self._writing():
            records = self._vectors.since(0)
            changed = self._differing(records)
            gone = self._without(record.id for record in records)
            self._mirror(changed, gone, state)
        return len(changed) + len(gone)

    @override
    def add_passages(self, passages: Iterable[Passage], *, wait: float = 0.0) -> int:
        """Write passages to the collection, embedded without their headings, as its others are.

        Args:
            passages: The passages.
            wait: Of no effect: a collection has no single writer to wait for.

        Returns:
            How many were written.

        Raises:
            InvalidArgumentError: If an id occurs twice, or Chroma cannot hold the metadata.
        """
        by_id = {passage.id: passage for passage in passages}
        records = [Record(p.id, p.text, _metadata(p)) for p in by_id.values()]
        for batch in chunks(records, _BATCH):
            self._vectors.write(batch, self.embedder.embed_passages([r.text for r in batch]))
        with self._writing():
            self._follow(self._vectors.state())
            self._mirror(self._differing(records), [], self._vectors.state())
        return len(records)

    @override
    def remove_passages(self, ids: Sequence[str]) -> int:
        """Delete records from the collection; ids that it does not have are passed over."""
        present = [record.id for record in self._vectors.of_ids(ids)]
        if present:
            self._vectors.delete(present)
        self.sync()
        return len(present)

    def _current(self, mirrored: Mapping[str, Passage]) -> dict[str, Passage]:
        """Passages as the collection has them now; those that changed are mirrored again."""
        records = self._vectors.of_ids(list(mirrored)) if mirrored else []
        now = {r.id: self._passage(r, mirrored[r.id].number) for r in records}
        changed = [passage for id_, passage in now.items() if passage != mirrored[id_]]
        gone = [id_ for id_ in mirrored if id_ not in now]
        if changed or gone:
            with self._writing():
                self._mirror(changed, gone, None)
        return {id_: now[id_] for id_ in mirrored if id_ in now}

    def _follow(self, state: CollectionState) -> None:
        """Mirror what came and went: the end of the collection, or else what the ids tell."""
        before = self._mirrored()
        if before and state.count > before.count:
            tail = self._vectors.since(max(0, before.count - 1))
            fresh = tail[1:] if before.count else tail
            in_place = not before.count or (tail and tail[0].id == before.last)
            if in_place and len(fresh) == state.count - before.count:
                self._mirror(self._numbered(fresh), [], state)
                return
        ids = self._vectors.all_ids()
        mirrored = self._ids()
        gone = self._without(ids)
        for batch in chunks([id_ for id_ in ids if id_ not in mirrored], _BATCH):
            self._mirror(self._numbered(self._vectors.of_ids(batch)), gone, None)
            gone = []
        self._mirror([], gone, state)

    def _mirror(
        self, passages: Sequence[Passage], gone: Sequence[str], state: CollectionState | None
    ) -> None:
        """Write and delete passages of the mirror; words first, as what has no row is not found."""
        if passages:
            settle_language(self.lexical, self.store, passages)
        if passages or gone:
            with self.lexical.writer() as writer:
                for batch in chunks(passages, _BATCH):
                    writer.put(batch)
                writer.delete(gone)
        with self.store.transaction() as connection:
            delete_passages(connection, gone)
            insert_passages(connection, passages)
            if state is not None:
                values = ("mirrored", json.dumps(state))
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
            record_write(connection, self._vectors.collection_id)

    def _mirrored(self) -> CollectionState | None:
        """The state of the collection that the mirror shows; None before the first time."""
        row = self.store.connection.execute(
            "SELECT value FROM meta WHERE key = 'mirrored'"
        ).fetchone()
        return None if row is None else CollectionState(*json.loads(row[0]))

    def _ids(self) -> set[str]:
        return {id_ for (id_,) in self.store.connection.execute("SELECT id FROM passages")}

    def _without(self, ids: Iterable[str]) -> list[str]:
        return sorted(self._ids().difference(ids))

    def _numbered(self, records: Sequence[Record]) -> list[Passage]:
        (last,) = self.store.connection.execute("SELECT max(number) FROM passages").fetchone()
        first = 0 if last is None else last + 1
        return [self._passage(record, number) for number, record in enumerate(records, first)]

    def _differing(self, records: Sequence[Record]) -> list[Passage]:
        """Records that the mirror does not have as they are."""
        mirrored = self._live_store.mirrored([record.id for record in records])
        old = [self._passage(r, mirrored[r.id].number) for r in records if r.id in mirrored]
        new = self._numbered([record for record in records if record.id not in mirrored])
        return [passage for passage in old if passage != mirrored[passage.id]] + new

    def _passage(self, record: Record, number: int) -> Passage:
        source = str(self._meta["collection"])
        return passage_from_record(*record, source=source, number=number)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One mirrors at a time, of all threads and processes; the others wait for it."""
        with self._mutex, FileLock(self.path / "write.lock"):
            yield


class _LiveStore(PassageStore):
    """The mirror's passages, given out as the collection has them now."""

    current: Any = None

    @override
    def get(self, ids: Sequence[str]) -> dict[str, Passage]:
        passages: dict[str, Passage] = super().get(ids)
        return self.current(passages) if self.current else passages

    def mirrored(self, ids: Sequence[str]) -> dict[str, Passage]:
        """The passages as they were mirrored."""
        return super().get(ids)


def open_collection_index(
    collection: chromadb.Collection,
    *,
    embedder: Embedder | None = None,
    path: Path | str | None = None,
) -> CollectionIndex:
    """Open a collection that something else fills.

    Args:
        collection: The collection.
        embedder: The model that made its vectors, which it gives as they are stored: not scaled;
            None takes the bundled one.
        path: Folder of the mirror; None takes one beside Chroma's files where these are on this
            machine, else a temporary one.

    Returns:
        The index, open.

    Raises:
        IndexMismatchError: If the collection was made with another model.
        InvalidArgumentError: If the folder mirrors another collection.
    """
    vectors = CollectionVectors(collection)
    embedder = embedder or load_embedder()
    check_made_with(vectors, collection.name, embedder)
    folder = _beside(collection) if path is None else Path(path)
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
    """Delete the mirror of a process; a forked child leaves it to its parent."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def check_made_with(vectors: CollectionVectors, name: str, embedder: Embedder) -> None:
    """Refuse a collection whose vectors another model made.

    Args:
        vectors: The collection.
        name: Its name.
        embedder: The model.

    Raises:
        IndexMismatchError: If stored texts embedded again are nothing like their vectors.
    """
    stored = vectors.sample(_SAMPLE)
    if not stored:
        return
    again = embedder.embed_passages([text for text, _ in stored])
    widths = len(stored[0][1]), again.shape[1]
    advice = "Name the embeddings that made it: embedding=…"
    if widths[0] != widths[1]:
        msg = (
            f"Expected the vectors of {embedder.model_id}, of {widths[1]} dimensions, in "
            f"collection {name!r}, got {widths[0]} dimensions. {advice}"
        )
        raise IndexMismatchError(msg)
    cosines = [
        float(cosine_similarities(vector, row[np.newaxis])[0])
        for (_, vector), row in zip(stored, again, strict=True)
    ]
    if float(np.median(cosines)) < _SAME_MODEL:
        shown = ", ".join(f"{cosine:.2f}" for cosine in cosines)
        msg = (
            f"Expected the vectors of {embedder.model_id} in collection {name!r}, got those of "
            f"another model: stored texts embedded again have a cosine of {shown}. {advice}"
        )
        raise IndexMismatchError(msg)


def _beside(collection: chromadb.Collection) -> Path | None:
    """A folder beside the files of a collection on this machine, if it can be written to."""
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
            f"Expected a new folder or the mirror of this collection at {folder}, got something "
            "else. Name another path."
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
    """The metadata of a passage as Chroma holds it: what it says of itself, and its own."""
    nested = [key for key, value in passage.metadata.items() if isinstance(value, (dict, list))]
    if nested:
        msg = (
            f"Expected metadata of strings, numbers and bools, which a Chroma collection holds, "
            f"got {nested[0]!r} of passage {passage.id!r}. Leave it out, or make a string of it."
        )
        raise InvalidArgumentError(msg)
    fields = passage_fields(replace(passage, source=""))
    return {
        **fields,
        **{key: value for key, value in passage.metadata.items() if value is not None},
    }

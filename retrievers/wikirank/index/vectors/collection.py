"""The vectors of a Chroma collection that another program writes to, in any space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import chromadb
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from wikirank._util import chunks
from wikirank.index.vectors.server import Record, ServerVectors, as_records


class CollectionState(NamedTuple):
    """The state of a collection: cheap to read, and different once records are added or deleted.

    Attributes:
        count: Number of records.
        last: Id of the last record; "" if there is none.
    """

    count: int  # type: ignore[assignment]
    last: str


class CollectionVectors(ServerVectors):
    """A collection of another program; its space and vectors are used as they are."""

    def __init__(self, collection: chromadb.Collection) -> None:
        super().__init__(collection._client, collection)  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._name

    @override
    def search(
        self, vector: NDArray[np.float32], k: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Find the passages nearest in the collection's space, with their cosine similarities."""
        if self._space == "cosine":
            return super().search(vector, k, where)
        with self._use() as collection:
            result = collection.query(
                query_embeddings=np.expand_dims(vector, 0),
                n_results=k,
                where=dict(where) if where else None,
                include=["embeddings"],
            )
        ids, embeddings = result["ids"][0], result["embeddings"]
        if not ids or embeddings is None:
            return []
        cosines = cosine_similarities(vector, np.asarray(embeddings[0], dtype=np.float32))
        return list(zip(ids, map(float, cosines), strict=True))

    def state(self) -> CollectionState:
        """Return the current state, to compare with an earlier one."""
        with self._use() as collection:
            count = collection.count()
            last = collection.get(limit=1, offset=count - 1, include=[])["ids"] if count else []
        return CollectionState(count, last[0] if last else "")

    def all_ids(self) -> list[str]:
        """Return the ids of all records, oldest first."""
        with self._use() as collection:
            return collection.get(include=[])["ids"]

    def records_from(self, offset: int) -> list[Record]:
        """Return the records after the first `offset`, oldest first."""
        with self._use() as collection:
            page = collection.get(offset=offset, include=["documents", "metadatas"])
        return as_records(page)

    def get_records(self, ids: Sequence[str]) -> list[Record]:
        """Return the records of ids; unknown ids are ignored."""
        records: list[Record] = []
        for part in chunks(ids, self._batch_size):
            with self._use() as collection:
                records += as_records(collection.get(ids=part, include=["documents", "metadatas"]))
        return records

    def sample(self, count: int) -> list[tuple[str, NDArray[np.float32]]]:
        """Return up to `count` texts that are not blank, with their vectors."""
        with self._use() as collection:
            page = collection.get(limit=10 * count, include=["documents", "embeddings"])
        embeddings = page["embeddings"]
        if embeddings is None:
            return []
        pairs = [
            (text, np.asarray(vector, dtype=np.float32))
            for text, vector in zip(page["documents"] or [], embeddings, strict=False)
            if text and text.strip()
        ]
        return pairs[:count]


def cosine_similarities(
    vector: NDArray[np.float32], rows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the cosine similarity of a vector to each row; 0 for a zero vector."""
    lengths = np.linalg.norm(vector) * np.linalg.norm(rows, axis=1)
    similarities: NDArray[np.float32] = rows @ vector / np.maximum(lengths, 1e-12)
    return similarities

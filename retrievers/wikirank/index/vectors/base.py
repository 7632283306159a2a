"""The interface of all vector indexes, embedded or on servers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from wikirank._util import Closing
from wikirank.types import Passage


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """The stored record of one id.

    Attributes:
        text: Text of the passage.
        metadata: Fields and metadata of the passage.
        vector: Its vector, (dimension,); None if it has none.
    """

    text: str
    metadata: dict[str, Any]
    vector: NDArray[np.float32] | None


class VectorIndex(Closing):
    """Finds passages by the cosine similarity of their vectors."""

    @property
    @abstractmethod
    def token(self) -> str:
        """Identifies this writer, so that readers can tell whether they know its last write."""

    @abstractmethod
    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        """Write passages and unit vectors, (passages, dimension); the same ids are replaced."""

    @abstractmethod
    def delete(self, ids: Sequence[str]) -> None:
        """Delete passages; unknown ids are ignored."""

    @abstractmethod
    def search(
        self, vector: NDArray[np.float32], k: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Find the nearest passages.

        Args:
            vector: Unit vector of the query, (dimension,).
            k: Maximum number of hits.
            where: A filter as `normalise_filter` returns it; None for all passages.

        Returns:
            Pairs of passage id and cosine similarity, best first.
        """

    @abstractmethod
    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Return the cosine similarity to a vector by passage id; unknown ids are ignored."""

    @abstractmethod
    def count(self) -> int:
        """Return the number of passages."""

    @abstractmethod
    def get(self, ids: Sequence[str]) -> dict[str, StoredRecord]:
        """Return the stored records by id; unknown ids are ignored."""

    @abstractmethod
    def ids(self) -> Iterator[str]:
        """Iterate over all ids."""

    @abstractmethod
    def dimension(self) -> int | None:
        """Return the length of the vectors; None if there are none."""

    @abstractmethod
    def reset(self) -> None:
        """Delete all vectors."""

    @abstractmethod
    def damage(self) -> str | None:
        """Return what a killed writer has damaged; None if nothing."""

    @abstractmethod
    def refresh(self, *, force: bool = False) -> bool:
        """See what other processes wrote; returns whether anything may have changed.

        `force` reads it even if no write is recorded, because a writer may have been killed.
        """

    @abstractmethod
    def write_graph(self, backlog: int) -> bool:
        """Write the search graph if it lacks `backlog` records or more; returns whether it did."""


class ServedVectors(VectorIndex):
    """Vectors on servers: files and damage are the server's concern, and reads are up to date."""

    @property
    @override
    def token(self) -> str:
        return "server"

    @override
    def damage(self) -> None:
        return None

    @override
    def refresh(self, *, force: bool = False) -> bool:
        return False

    @override
    def write_graph(self, backlog: int) -> bool:
        return False

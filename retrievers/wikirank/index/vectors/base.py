"""What every vector index does, wherever its vectors are."""

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
    """What a vector index stores of one id.

    Attributes:
        text: The document.
        metadata: Its metadata.
        vector: Its vector, (dimension,); None if there is none.
    """

    text: str
    metadata: dict[str, Any]
    vector: NDArray[np.float32] | None


class VectorIndex(Closing):
    """Passages by the cosine similarity of their vectors."""

    @property
    @abstractmethod
    def token(self) -> str:
        """Names what reads and writes the vectors, so that others know whose write they saw."""

    @abstractmethod
    def upsert(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        """Write passages and unit vectors, (passages, dimension), over those of the same ids."""

    @abstractmethod
    def delete(self, ids: Sequence[str]) -> None:
        """Delete passages; unknown ids are passed over."""

    @abstractmethod
    def search(
        self, vector: NDArray[np.float32], k: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Find the nearest passages.

        Args:
            vector: The query's unit vector, shape (dimension,).
            k: How many hits at the most.
            where: A normalised filter.

        Returns:
            Pairs of passage id and cosine similarity, best first.
        """

    @abstractmethod
    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Cosine similarity of a query's vector by passage id; unknown ids are passed over."""

    @abstractmethod
    def count(self) -> int:
        """How many passages there are."""

    @abstractmethod
    def get(self, ids: Sequence[str]) -> dict[str, StoredRecord]:
        """Text, metadata and vector of those of the ids that there are, by id."""

    @abstractmethod
    def ids(self) -> Iterator[str]:
        """All ids, page by page."""

    @abstractmethod
    def dimension(self) -> int | None:
        """Length of the vectors; None while there are none."""

    @abstractmethod
    def reset(self) -> None:
        """Drop all vectors, and begin with none."""

    @abstractmethod
    def damage(self) -> str | None:
        """What a process that died while it wrote has broken; None if nothing."""

    @abstractmethod
    def refresh(self, *, anew: bool = False) -> bool:
        """See what any process wrote, `anew` if one died unrecorded; says whether it may differ."""

    @abstractmethod
    def write_graph(self, backlog: int) -> bool:
        """Have the graph on disk lack at most `backlog` records; says whether it lacked more."""


class ServedVectors(VectorIndex):
    """Vectors on servers, which look after their files and always show what is there."""

    @property
    @override
    def token(self) -> str:
        return "server"

    @override
    def damage(self) -> None:
        return None

    @override
    def refresh(self, *, anew: bool = False) -> bool:
        return False

    @override
    def write_graph(self, backlog: int) -> bool:
        return False

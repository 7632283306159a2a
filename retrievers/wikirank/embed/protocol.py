"""The interface of an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their similarity."""

    @property
    def model_id(self) -> str:
        """Name and version. An index accepts only the embedder that it was made with."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages.

        Args:
            texts: Non-blank texts of any length.

        Returns:
            (n, dim), rows of norm 1, in the order of the texts.

        Raises:
            InvalidArgumentError: If a text is blank or not a string.
        """
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a query.

        Args:
            text: A non-blank text of any length.

        Returns:
            (dim,), of norm 1.

        Raises:
            InvalidArgumentError: If the text is blank or not a string.
        """
        ...

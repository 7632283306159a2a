"""Select the documents that are relevant enough for a chat model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wikirank.errors import InvalidArgumentError

if TYPE_CHECKING:
    from langchain_core.documents import Document

DEFAULT_MIN_SCORE, DEFAULT_MIN_TOP_SCORE = 0.002, 0.01
"""Chosen on the bundled model's dev questions (`scripts/search_fit.py`).

For each kind of question, all right passages reach the first and at least 97 % reach the second. If
the best passage reaches the second, the wiki answers, and mainly the token budget limits what is
shown.
"""
DEFAULT_TOKEN_BUDGET, MIN_TOKEN_BUDGET = 1500, 200
"""Tokens of one tool answer, or of the passages in one prompt."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Minimum relevance scores of passages.

    Attributes:
        min_score: Minimum score of each passage, in [0, 1]; None selects all passages.
        min_top_score: Minimum score of the best passage, in [0, 1]. Below it, no passage is
            relevant. Ignored if `min_score` is None.

    Raises:
        InvalidArgumentError: If a score is not in [0, 1].
    """

    min_score: float | None
    min_top_score: float

    def __post_init__(self) -> None:
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            msg = (
                "Expected min_score between 0 and 1, or None to show all passages, "
                f"got {self.min_score}."
            )
            raise InvalidArgumentError(msg)
        if not 0 <= self.min_top_score <= 1:
            msg = f"Expected min_top_score between 0 and 1, got {self.min_top_score}."
            raise InvalidArgumentError(msg)

    def relevant(self, documents: Sequence[Document]) -> list[Document]:
        """Return the relevant documents in order; documents without a score count as relevant."""
        from langchain_wikirank._documents import relevance_score_of  # Keep the CLI light.

        if self.min_score is None:
            return list(documents)
        scores = [relevance_score_of(document) for document in documents]
        top = max((score for score in scores if score is not None), default=0.0)
        threshold = self.min_score if top >= self.min_top_score else math.inf
        pairs = zip(documents, scores, strict=True)
        return [document for document, score in pairs if score is None or score >= threshold]

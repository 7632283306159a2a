"""Which documents are relevant enough to be shown to a chat model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wikirank.errors import InvalidArgumentError

if TYPE_CHECKING:
    from langchain_core.documents import Document

DEFAULT_MIN_SCORE, DEFAULT_MIN_TOP_SCORE = 0.002, 0.01
"""Of each kind of the bundled model's dev questions, every right passage reaches the first, and
97 % or more the second (`scripts/search_fit.py`). Where the best passage reaches that, the wiki
answers, and the token budget bounds what is shown rather than a threshold.
"""
DEFAULT_TOKEN_BUDGET, LEAST_TOKEN_BUDGET = 1500, 200
"""Tokens of one answer of a tool, or of the passages that a model is given at once."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The relevance scores that passages need.

    Attributes:
        min_score: Least score of each; None for all, whatever the best has.
        min_top_score: Least score of the best; where it has less, no passage is relevant.

    Raises:
        InvalidArgumentError: One is not between 0 and 1.
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
        """Documents that are relevant enough, in order; those that nothing scored always are."""
        from langchain_wikirank._documents import relevance_of  # The command line needs none of it.

        if self.min_score is None:
            return list(documents)
        scores = [relevance_of(document) for document in documents]
        top = max((score for score in scores if score is not None), default=0.0)
        least = self.min_score if top >= self.min_top_score else math.inf
        pairs = zip(documents, scores, strict=True)
        return [document for document, score in pairs if score is None or score >= least]

"""Which documents are relevant enough to be shown to a chat model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wikirank.errors import InvalidArgumentError

if TYPE_CHECKING:
    from langchain_core.documents import Document

DEFAULT_MIN_SCORE = 0.01
"""Of each kind of the bundled model's dev questions, 97 % of the right passages or more reach it
(`scripts/search_fit.py`): it keeps out what is foreign, and the token budget bounds what is shown.
"""
DEFAULT_TOKEN_BUDGET, LEAST_TOKEN_BUDGET = 1500, 200
"""Tokens of one answer of a tool, or of the passages that a model is given at once."""


def relevant_documents(documents: Sequence[Document], min_score: float | None) -> list[Document]:
    """Documents of at least that relevance score, and those that nothing has scored, in order."""
    from langchain_wikirank._documents import relevance_of  # The command line needs none of it.

    least = min_score or 0.0
    scored = [(document, relevance_of(document)) for document in documents]
    return [document for document, score in scored if score is None or score >= least]


def check_min_score(min_score: float | None) -> None:
    """Raise InvalidArgumentError unless a threshold is None or between 0 and 1."""
    if min_score is not None and not 0 <= min_score <= 1:
        msg = f"Expected min_score between 0 and 1, or None to show all passages, got {min_score}."
        raise InvalidArgumentError(msg)

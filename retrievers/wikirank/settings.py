"""The settings of a search, declared once.

The engine's options, the retrievers' fields, the HTTP request and the command line all derive from
them. Bounds, defaults and descriptions are written only here.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from wikirank.types import OnTruncation, SearchType

# Descriptions are `Field` arguments, not docstrings: pydantic searches all loaded modules for
# docstrings, which takes longer than the rest of a search's start.


class QuerySettings(BaseModel):
    """Settings that anyone may choose, including clients of the server."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(default=5, ge=1, description="Maximum number of passages to return.")
    fetch_k: int = Field(
        default=50,
        ge=1,
        description="Candidates to take from each retriever and to rerank; at least `k`.",
    )
    search_type: SearchType = Field(
        default="hybrid",
        description="Where candidates come from: `dense` (vectors), `lexical` (BM25), or `hybrid` "
        "(both, fused).",
    )
    rerank: bool = Field(
        default=True,
        description="Whether the cross-encoder orders the candidates. In hybrid search it also "
        "uses the first-stage scores if the model has learned how. If false, candidates keep their "
        "first-stage order.",
    )
    score_threshold: Annotated[float, Field(ge=0, le=1, strict=False)] | None = Field(
        default=None,
        description="Keep only passages with at least this relevance score, in [0, 1]; needs "
        "`rerank`.",
    )
    filter: Annotated[dict[str, Any], Field(strict=False)] | None = Field(
        default=None,
        description="Metadata that passages must have: for each key a value, or `$eq`, `$ne`, "
        "`$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`. All keys must match; `$and` and `$or` nest.",
    )


class SearchSettings(QuerySettings):
    """Settings that only callers on the index's machine may choose."""

    neighbours: int = Field(
        default=0,
        ge=0,
        description="How many passages before and after each hit, in its section, to join to it.",
    )


class RerankSettings(BaseModel):
    """How a cross-encoder handles many texts, and long ones."""

    on_truncation: OnTruncation = Field(
        default="window",
        description="What to do with a text over the cross-encoder's length: `window` scores "
        "overlapping windows and keeps the best score, `warn` cuts the text with a "
        "`TruncationWarning`, `error` raises `TextTooLongError`.",
    )
    cascade: bool = Field(
        default=True,
        description="Whether a cross-encoder with a prefilter, such as the bundled one, may drop "
        "hopeless texts before it scores the rest; otherwise it scores all texts. This is much "
        "faster if you want few of many texts; see `wikirank.rank.cascade`.",
    )

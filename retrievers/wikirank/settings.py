"""The settings of a search, declared once.

The engine's options, the retrievers' fields, the HTTP request and the command line are made of
these: each setting has its bounds, its default and its description here only.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from wikirank.types import OnTruncation, SearchType

# Descriptions are no docstrings here: to read those takes pydantic longer than the rest of a
# search's start, as it looks through all modules that are loaded.


class QuerySettings(BaseModel):
    """What everyone who asks may choose, a client of the server too."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(default=5, ge=1, description="How many passages to return at most.")
    fetch_k: int = Field(
        default=50,
        ge=1,
        description="How many candidates to take from each retriever and to rerank; at least `k`.",
    )
    search_type: SearchType = Field(
        default="hybrid",
        description="Where candidates come from: `dense` (vectors), `lexical` (BM25), or `hybrid`: "
        "both, fused.",
    )
    rerank: bool = Field(
        default=True,
        description="Whether the cross-encoder orders the candidates, in hybrid search together "
        "with the first stage's scores if the model has learned how; else they keep the first "
        "stage's order.",
    )
    score_threshold: Annotated[float, Field(ge=0, le=1, strict=False)] | None = Field(
        default=None,
        description="Keep only passages whose relevance score is at least this, in [0, 1]; needs "
        "`rerank`.",
    )
    filter: Annotated[dict[str, Any], Field(strict=False)] | None = Field(
        default=None,
        description="Metadata that passages must have: for each key a value, or `$eq`, `$ne`, "
        "`$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`. All of several keys must hold; `$and` and "
        "`$or` nest.",
    )


class SearchSettings(QuerySettings):
    """What may also be chosen where an index lies on this machine."""

    neighbours: int = Field(
        default=0,
        ge=0,
        description="How many passages before and after each, in its section, to join to its text.",
    )


class RerankSettings(BaseModel):
    """How a cross-encoder goes about many texts, and about long ones."""

    on_truncation: OnTruncation = Field(
        default="window",
        description="What to do with a text over the cross-encoder's length: `window` scores it in "
        "overlapping windows and takes the best, `warn` cuts it with a `TruncationWarning`, "
        "`error` raises `TextTooLongError`.",
    )
    cascade: bool = Field(
        default=True,
        description="Whether a cross-encoder that can, as the bundled one, may drop hopeless texts "
        "after a cheap prefilter; else it scores all of them. That takes a fraction of the time "
        "where much fewer are wanted than there are; see `wikirank.rank.cascade`.",
    )

"""Requests and responses of the JSON API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from wikirank.index.report import IndexInfo
from wikirank.search import SearchOptions, SearchResult
from wikirank.search.options import LONGEST_QUERY
from wikirank.settings import QuerySettings

MAX_CANDIDATES = 200

_EXAMPLE_PASSAGE: dict[str, Any] = {
    "rank": 1,
    "id": "5b1e0c6f4f0f7c1d",
    "title": "Ada Lovelace",
    "section": "",
    "url": "https://en.wikipedia.org/wiki/Ada_Lovelace",
    "text": "Augusta Ada King, Countess of Lovelace, was an English mathematician and writer.",
    "source": "sample",
    "revision": "1301234567",
    "passage_number": 0,
    "relevance_score": 0.91,
    "rerank_logit": 4.2,
    "rank_before": 3,
    "dense_score": 0.53,
    "lexical_score": 8.39,
    "fusion_score": 0.03,
    "metadata": {"topic": "People"},
}


class Question(BaseModel):
    """A query."""

    query: str = Field(max_length=LONGEST_QUERY, description="A question or keywords; not blank.")


def _limited(name: str) -> Any:
    """Return the field of a search setting, with an upper bound on the cost of a request."""
    field = QuerySettings.model_fields[name]
    return Field(default=field.default, ge=1, le=MAX_CANDIDATES, description=field.description)


class SearchRequest(QuerySettings, Question):
    """A query and search settings. GET /api/info lists the keys that a filter may use."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query": "Why is the sky blue?"},
                {
                    "query": "Who wrote the first algorithm meant for a machine?",
                    "k": 3,
                    "fetch_k": 100,
                    "score_threshold": 0.5,
                    "filter": {"topic": {"$in": ["People", "Technology"]}},
                },
            ]
        },
    )

    k: int = _limited("k")
    fetch_k: int = _limited("fetch_k")

    def options(self) -> SearchOptions:
        """Convert to the options of a searcher."""
        return SearchOptions(**self.model_dump(exclude={"query"}))


class RankedPassageResponse(BaseModel):
    """A passage with its score in each stage."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_PASSAGE]})

    rank: int = Field(description="Rank in this list, from 1.")
    id: str = Field(description="Id of the passage; stable while its text and place are unchanged.")
    title: str = Field(description="Title of the article; empty if unknown.")
    section: str = Field(description="Headings, outermost first, joined by ` › `; may be empty.")
    url: str = Field(description="Address of the article and section; empty if unknown.")
    text: str = Field(description="Plain text of the passage. Treat it as data, not as markup.")
    source: str = Field(description="Name of the source of the article.")
    revision: str | None = Field(description="Revision id of the article; null if unknown.")
    passage_number: int = Field(description="Position among the article's passages, from 0.")
    relevance_score: float | None = Field(
        description="Probability that the passage answers, in [0, 1]; null if not reranked."
    )
    rerank_logit: float | None = Field(
        description="Raw score of the cross-encoder; null if not reranked."
    )
    rank_before: int = Field(description="Rank before reranking, from 1.")
    dense_score: float | None = Field(
        description="Cosine similarity to the query in [-1, 1]; null without dense search."
    )
    lexical_score: float | None = Field(
        description="BM25 score divided by the highest score that the query can reach in this "
        "index, in [0, 1]; null without lexical search."
    )
    fusion_score: float | None = Field(
        description="Reciprocal rank fusion score; null unless the search was hybrid."
    )
    metadata: dict[str, Any] = Field(description="Other metadata of the article.")


class SearchResponse(BaseModel):
    """The results of a search, before and after reranking."""

    query: str = Field(description="The query.", examples=["Why is the sky blue?"])
    passages: list[RankedPassageResponse] = Field(
        description="Results, best first; empty if no passage reaches the threshold."
    )
    candidates: list[RankedPassageResponse] = Field(
        description="Passages before reranking, in the order of first-stage retrieval."
    )
    matched_words: list[str] = Field(
        description="Words of the candidates that share a stem with a word of the query, without "
        "stop words. In scripts without spaces, pairs of characters.",
        examples=[["sky", "skies", "blue"]],
    )
    origin: str = Field(
        description="Origin of the candidates, as text for people.",
        examples=["vectors and BM25 of the index my-index"],
    )
    note: str = Field(
        description="Remark on the result, such as what a slow wiki left out; may be empty."
    )
    timings_ms: dict[str, float] = Field(
        description="Milliseconds of each stage, and `total`.",
        examples=[{"embed": 2.8, "dense": 2.8, "lexical": 0.6, "rerank": 262.2, "total": 273.1}],
    )

    @classmethod
    def from_result(
        cls, result: SearchResult, matched_words: list[str], origin: str
    ) -> SearchResponse:
        """Convert a search result."""
        return cls(
            query=result.query,
            passages=[RankedPassageResponse(**hit.as_dict()) for hit in result.passages],
            candidates=[RankedPassageResponse(**hit.as_dict()) for hit in result.candidates],
            matched_words=matched_words,
            origin=origin,
            note=result.note,
            timings_ms={stage: round(ms, 3) for stage, ms in result.timings.items()},
        )


class InfoResponse(BaseModel):
    """The index or wiki, and its models."""

    name: str = Field(
        description="Name of the index folder, or of the live wiki.", examples=["my-index"]
    )
    is_indexed: bool = Field(
        description="Whether searches use an index. If false, they use a live wiki's own search, "
        "without vectors and filters."
    )
    passages: int | None = Field(
        description="Number of passages in the index; null without an index.", examples=[14737]
    )
    articles: int | None = Field(
        description="Number of articles in the index; null without an index.", examples=[10033]
    )
    sources: dict[str, int] = Field(
        description="Number of articles of each source.", examples=[{"sample": 10033}]
    )
    embedder: str = Field(
        description="Id of the embedding model; empty without an index.",
        examples=["all-MiniLM-L6-v2-int8"],
    )
    cross_encoder: str = Field(description="Id of the reranker.", examples=["wikirank-reranker"])
    filter_keys: list[str] = Field(
        description="Metadata keys that a filter may use.", examples=[["title", "topic"]]
    )
    example_queries: list[str] = Field(
        description="Suggested queries.", examples=[["Why is the sky blue?"]]
    )
    wikirank_version: str = Field(description="Version of this server.", examples=["0.1.0"])

    @classmethod
    def from_info(
        cls,
        info: IndexInfo | None,
        *,
        name: str,
        cross_encoder: str,
        example_queries: list[str],
        version: str,
    ) -> InfoResponse:
        """Convert the description of an index; None for a live wiki."""
        return cls(
            name=name,
            is_indexed=info is not None,
            passages=info.passages if info else None,
            articles=info.articles if info else None,
            sources=info.sources if info else {},
            embedder=info.embedder if info else "",
            cross_encoder=cross_encoder,
            filter_keys=info.filter_keys if info else [],
            example_queries=example_queries,
            wikirank_version=version,
        )


class ErrorResponse(BaseModel):
    """An error."""

    status: int = Field(description="HTTP status of the response.", examples=[400])
    message: str = Field(
        description="What went wrong and what to do.",
        examples=["The query is empty. Ask a question or give keywords."],
    )

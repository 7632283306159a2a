"""What the JSON API takes and gives."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from wikirank.index.report import IndexInfo
from wikirank.search import SearchOptions, SearchResult
from wikirank.search.options import LONGEST_QUERY
from wikirank.settings import QuerySettings

LONGEST_QUERY_CHARS = LONGEST_QUERY
MOST_CANDIDATES = 200

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
    """What is asked."""

    query: str = Field(
        max_length=LONGEST_QUERY_CHARS, description="A question or keywords; not blank."
    )


def _limited(name: str) -> Any:
    """The setting of that name, bounded by what one request may cost."""
    own = QuerySettings.model_fields[name]
    return Field(default=own.default, ge=1, le=MOST_CANDIDATES, description=own.description)


class SearchRequest(QuerySettings, Question):
    """A question, and how to search; GET /api/info lists the keys that a filter may name."""

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
        """The same as the engine takes it."""
        return SearchOptions(**self.model_dump(exclude={"query"}))


class RankedPassageResponse(BaseModel):
    """A passage with the score of each stage that saw it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_PASSAGE]})

    rank: int = Field(description="Place in this list's order, from 1.")
    id: str = Field(description="The passage's id: the same text in the same place keeps it.")
    title: str = Field(description="The article's title; empty if unknown.")
    section: str = Field(description="Headings from the outermost in, joined by ` › `; or empty.")
    url: str = Field(description="Address of the article and section; empty if unknown.")
    text: str = Field(description="The passage, as plain text from the wiki: data, not markup.")
    source: str = Field(description="Name of the source that it was indexed from.")
    revision: str | None = Field(description="The source's revision id; null if unknown.")
    passage_number: int = Field(description="Position among the article's passages, from 0.")
    relevance_score: float | None = Field(
        description="How probably the passage answers, in [0, 1]; null if not reranked."
    )
    rerank_logit: float | None = Field(
        description="The cross-encoder's raw score; null if not reranked."
    )
    rank_before: int = Field(description="Place before reranking, from 1.")
    dense_score: float | None = Field(
        description="Cosine similarity to the query in [-1, 1]; null if dense search was not asked."
    )
    lexical_score: float | None = Field(
        description="BM25 as a share of the most that the query can reach in this index, in "
        "[0, 1]; null if lexical search was not asked."
    )
    fusion_score: float | None = Field(
        description="Reciprocal rank fusion score; null unless the search was hybrid."
    )
    metadata: dict[str, Any] = Field(description="Further fields of the article.")


class SearchResponse(BaseModel):
    """What was found, before and after reranking."""

    query: str = Field(description="The query.", examples=["Why is the sky blue?"])
    passages: list[RankedPassageResponse] = Field(
        description="The passages that answer, best first; empty where none reaches the threshold."
    )
    candidates: list[RankedPassageResponse] = Field(
        description="What went into the reranking, in the first stage's order."
    )
    matched_words: list[str] = Field(
        description="Words of the candidates that share a stem with a telling word of the query, "
        "as they stand there; of scripts without spaces, pairs of letters.",
        examples=[["sky", "skies", "blue"]],
    )
    origin: str = Field(
        description="Where the candidates come from, for people.",
        examples=["vectors and BM25 of the index my-index"],
    )
    note: str = Field(
        description="What to know of the result, such as what a slow wiki left out; or empty."
    )
    timings_ms: dict[str, float] = Field(
        description="Milliseconds that each stage took, and total.",
        examples=[{"embed": 2.8, "dense": 2.8, "lexical": 0.6, "rerank": 262.2, "total": 273.1}],
    )

    @classmethod
    def of(cls, result: SearchResult, matched_words: list[str], origin: str) -> SearchResponse:
        """The engine's result as the API gives it."""
        return cls(
            query=result.query,
            passages=[RankedPassageResponse(**one.as_dict()) for one in result.passages],
            candidates=[RankedPassageResponse(**one.as_dict()) for one in result.candidates],
            matched_words=matched_words,
            origin=origin,
            note=result.note,
            timings_ms={stage: round(ms, 3) for stage, ms in result.timings.items()},
        )


class InfoResponse(BaseModel):
    """What the index holds and what searches it."""

    name: str = Field(
        description="Name of the index's folder, or of a wiki that has none.", examples=["my-index"]
    )
    is_indexed: bool = Field(
        description="Whether an index is asked; else a wiki is, by its own search, which has no "
        "vectors and no filters."
    )
    passages: int | None = Field(
        description="Passages in the index; null without one.", examples=[14737]
    )
    articles: int | None = Field(
        description="Articles in the index; null without one.", examples=[10033]
    )
    sources: dict[str, int] = Field(
        description="Articles by name of source.", examples=[{"sample": 10033}]
    )
    embedder: str = Field(
        description="Id of the model that makes the vectors; empty without an index.",
        examples=["all-MiniLM-L6-v2-int8"],
    )
    cross_encoder: str = Field(
        description="Id of the model that reranks.", examples=["wikirank-reranker"]
    )
    filter_keys: list[str] = Field(
        description="Metadata keys that a filter may name.", examples=[["title", "topic"]]
    )
    example_queries: list[str] = Field(
        description="Queries to begin with.", examples=[["Why is the sky blue?"]]
    )
    wikirank_version: str = Field(description="Version of this server.", examples=["0.1.0"])

    @classmethod
    def of(
        cls,
        info: IndexInfo | None,
        *,
        name: str,
        cross_encoder: str,
        example_queries: list[str],
        version: str,
    ) -> InfoResponse:
        """The engine's information as the API gives it."""
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
    """What went wrong."""

    status: int = Field(description="The answer's HTTP status.", examples=[400])
    message: str = Field(
        description="What was expected, what was got, and what to do.",
        examples=["The query is empty. Ask a question or give keywords."],
    )

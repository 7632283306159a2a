"""Serve an index as an external knowledge base for Dify: `POST /retrieval`."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from wikirank.errors import InvalidArgumentError
from wikirank.serve.dependencies import SearchServiceOf, failures
from wikirank.serve.models import (
    MAX_CANDIDATES,
    Question,
    RankedPassageResponse,
    SearchRequest,
)

PATH = "/retrieval"
_MAX_CONDITIONS = 50

_OPERATORS: dict[str, str] = {
    "is": "$eq",
    "=": "$eq",
    "is not": "$ne",
    "≠": "$ne",
    "in": "$in",
    "not in": "$nin",
    ">": "$gt",
    "≥": "$gte",
    "<": "$lt",
    "≤": "$lte",
}


class RetrievalSetting(BaseModel):
    """Number and least score of the records to return."""

    top_k: int = Field(default=5, ge=1, le=MAX_CANDIDATES, description="Most records to return.")
    score_threshold: float = Field(
        default=0.0, ge=0, le=1, description="Least relevance score; 0 returns all."
    )


class Condition(BaseModel):
    """A condition on a metadata field."""

    name: str | list[str] = Field(
        description="A metadata key, or several keys of which one must match."
    )
    comparison_operator: str = Field(
        description="is, is not, in, not in, =, ≠, >, ≥, < or ≤; others are refused.",
        examples=["is"],
    )
    value: Any = Field(default=None, description="Value to compare with.")


class MetadataCondition(BaseModel):
    """Conditions on the metadata of the records."""

    logical_operator: Literal["and", "or"] = Field(
        default="and", description="Whether all conditions must hold, or any."
    )
    conditions: list[Condition] = Field(
        default_factory=list, max_length=_MAX_CONDITIONS, description="The conditions."
    )


class RetrievalRequest(Question):
    """A search request in Dify's format."""

    retrieval_setting: RetrievalSetting = Field(
        default_factory=RetrievalSetting,
        description="Number and least score of the records to return.",
    )
    knowledge_id: str = Field(default="", description="Ignored: a server has one index.")
    metadata_condition: MetadataCondition | None = Field(
        default=None, description="Conditions on the metadata of the records."
    )

    def search(self) -> SearchRequest:
        """Convert to a request of `/api/search`.

        Returns:
            The request.

        Raises:
            InvalidArgumentError: If an operator is not supported.
        """
        setting = self.retrieval_setting
        return SearchRequest(
            query=self.query,
            k=setting.top_k,
            score_threshold=setting.score_threshold or None,
            filter=_filter(self.metadata_condition),
        )


class Record(BaseModel):
    """A passage in Dify's format."""

    content: str = Field(description="Text of the passage.")
    score: float = Field(description="Relevance score: probability of an answer, in [0, 1].")
    title: str = Field(description="Title of the article.")
    metadata: dict[str, Any] = Field(
        description="Position of the passage, and metadata of the article."
    )

    @classmethod
    def from_passage(cls, passage: RankedPassageResponse) -> Record:
        """Convert a passage of `/api/search`."""
        position = passage.model_dump(include={"id", "section", "url", "source", "revision"})
        return cls(
            content=passage.text,
            score=passage.relevance_score or 0.0,
            title=passage.title,
            metadata={**passage.metadata, **position, "path": passage.url},
        )


class RetrievalResponse(BaseModel):
    """The passages found."""

    records: list[Record] = Field(
        description="Passages, best first; empty if none reaches the threshold."
    )


router = APIRouter()


@router.post(
    PATH,
    summary="Search the index from Dify",
    responses=failures(400, 401, 413, 422, 429, 500, 503),
)
async def _retrieve(
    retrieval: RetrievalRequest, request: Request, service: SearchServiceOf
) -> RetrievalResponse:
    response = await service.search(request, retrieval.search())
    records = [Record.from_passage(passage) for passage in response.passages]
    return RetrievalResponse(records=records)


def _filter(condition: MetadataCondition | None) -> dict[str, Any] | None:
    if condition is None or not condition.conditions:
        return None
    clauses = [_clause(part) for part in condition.conditions]
    return clauses[0] if len(clauses) == 1 else {f"${condition.logical_operator}": clauses}


def _clause(condition: Condition) -> dict[str, Any]:
    operator = _OPERATORS.get(condition.comparison_operator)
    if operator is None:
        msg = (
            f"Expected a comparison_operator of {', '.join(_OPERATORS)}; "
            f"got {condition.comparison_operator[:50]!r}. Choose one of these."
        )
        raise InvalidArgumentError(msg)
    names = [condition.name] if isinstance(condition.name, str) else condition.name
    if not names:
        msg = "Expected the name of a metadata key, got none. Name one in `name`."
        raise InvalidArgumentError(msg)
    clauses: list[dict[str, Any]] = [{name: {operator: condition.value}} for name in names]
    return clauses[0] if len(clauses) == 1 else {"$or": clauses}

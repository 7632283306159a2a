"""An index as an external knowledge base of Dify: `POST /retrieval`."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from wikirank.errors import InvalidArgumentError
from wikirank.serve.dependencies import SearchServiceOf, failures
from wikirank.serve.models import (
    MOST_CANDIDATES,
    Question,
    RankedPassageResponse,
    SearchRequest,
)

PATH = "/retrieval"
_MOST_CONDITIONS = 50

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
    """How much to retrieve."""

    top_k: int = Field(default=5, ge=1, le=MOST_CANDIDATES, description="Records at the most.")
    score_threshold: float = Field(
        default=0.0, ge=0, le=1, description="Least relevance score; 0 returns all."
    )


class Condition(BaseModel):
    """What one metadata field must be."""

    name: str | list[str] = Field(description="A metadata key, or several of which one must hold.")
    comparison_operator: str = Field(
        description="is, is not, in, not in, =, ≠, >, ≥, < or ≤; others are refused.",
        examples=["is"],
    )
    value: Any = Field(default=None, description="What to compare with.")


class MetadataCondition(BaseModel):
    """What the metadata of the records must be."""

    logical_operator: Literal["and", "or"] = Field(
        default="and", description="Whether all conditions must hold, or one."
    )
    conditions: list[Condition] = Field(
        default_factory=list, max_length=_MOST_CONDITIONS, description="The conditions."
    )


class RetrievalRequest(Question):
    """A question as Dify asks it."""

    retrieval_setting: RetrievalSetting = Field(
        default_factory=RetrievalSetting, description="How much to retrieve."
    )
    knowledge_id: str = Field(default="", description="Any: a server has one index.")
    metadata_condition: MetadataCondition | None = Field(
        default=None, description="What the metadata of the records must be."
    )

    def search(self) -> SearchRequest:
        """The same as the API's own request.

        Returns:
            The request.

        Raises:
            InvalidArgumentError: If an operator is not among those that the index knows.
        """
        setting = self.retrieval_setting
        return SearchRequest(
            query=self.query,
            k=setting.top_k,
            score_threshold=setting.score_threshold or None,
            filter=_filter(self.metadata_condition),
        )


class Record(BaseModel):
    """One passage as Dify reads it."""

    content: str = Field(description="The passage.")
    score: float = Field(description="How probably it answers, in [0, 1].")
    title: str = Field(description="The article's title.")
    metadata: dict[str, Any] = Field(description="Where it stands, and the article's own fields.")

    @classmethod
    def of(cls, passage: RankedPassageResponse) -> Record:
        """The API's own passage as Dify reads it."""
        own = passage.model_dump(include={"id", "section", "url", "source", "revision"})
        return cls(
            content=passage.text,
            score=passage.relevance_score or 0.0,
            title=passage.title,
            metadata={**passage.metadata, **own, "path": passage.url},
        )


class RetrievalResponse(BaseModel):
    """The passages that answer."""

    records: list[Record] = Field(description="Best first; empty where nothing reaches the score.")


router = APIRouter()


@router.post(
    PATH,
    summary="Ask the index as Dify does",
    responses=failures(400, 401, 413, 422, 429, 500, 503),
)
async def _retrieve(
    retrieval: RetrievalRequest, request: Request, service: SearchServiceOf
) -> RetrievalResponse:
    response = await service.search(request, retrieval.search())
    return RetrievalResponse(records=[Record.of(passage) for passage in response.passages])


def _filter(condition: MetadataCondition | None) -> dict[str, Any] | None:
    if condition is None or not condition.conditions:
        return None
    clauses = [_clause(one) for one in condition.conditions]
    return clauses[0] if len(clauses) == 1 else {f"${condition.logical_operator}": clauses}


def _clause(condition: Condition) -> dict[str, Any]:
    operator = _OPERATORS.get(condition.comparison_operator)
    if operator is None:
        msg = (
            f"Expected a comparison_operator of {', '.join(_OPERATORS)}; "
            f"got {condition.comparison_operator[:50]!r}."
        )
        raise InvalidArgumentError(msg)
    names = [condition.name] if isinstance(condition.name, str) else condition.name
    if not names:
        msg = "Expected the name of a metadata key, got none."
        raise InvalidArgumentError(msg)
    clauses: list[dict[str, Any]] = [{name: {operator: condition.value}} for name in names]
    return clauses[0] if len(clauses) == 1 else {"$or": clauses}

"""Reranking over HTTP in the form that Cohere and Jina share, which many programs speak."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator

from wikirank.errors import InvalidArgumentError
from wikirank.rank import CrossEncoder
from wikirank.serve.dependencies import RerankServiceOf, failures
from wikirank.serve.service import RerankService
from wikirank.types import headed_text, heading

RERANK_PATHS = ("/v1/rerank", "/v2/rerank")
LONGEST_BODY_BYTES = 4 * 1024 * 1024
MOST_DOCUMENTS = 1000
_LONGEST_QUERY_CHARS = 20_000
_MOST_FIELDS = 100

_Value = str | int | float | bool | None
_Document = str | dict[str, _Value]
_DOCUMENTS: list[Any] = [
    "The lighthouse was built in 1821.",
    {"text": "Herring are caught at night.", "title": "Herring"},
]


class RerankRequest(BaseModel):
    """A query, and the documents to order by it. Further fields are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"query": "When are herring caught?", "documents": _DOCUMENTS, "top_n": 1}]
        },
    )

    query: str = Field(
        max_length=_LONGEST_QUERY_CHARS, description="A question or keywords; not blank."
    )
    documents: list[_Document] = Field(
        max_length=MOST_DOCUMENTS,
        description="Texts, or objects with `text` and, where known, `title` and `section`, "
        "which the model reads above the text.",
    )
    model: str | None = Field(
        default=None, description="Any name: the server has one model, and says which."
    )
    top_n: int | None = Field(default=None, ge=1, description="How many to return; null for all.")
    return_documents: bool | None = Field(
        default=None, description="Whether each result repeats its document."
    )
    rank_fields: list[str] | None = Field(
        default=None,
        max_length=_MOST_FIELDS,
        description="Fields of the objects to read, in this order, in place of `text`.",
    )
    max_tokens_per_doc: int | None = Field(
        default=None, ge=1, description="Most tokens to read of a document; null for all."
    )

    @field_validator("documents", mode="before")
    @classmethod
    def _few_enough(cls, documents: object) -> object:
        if isinstance(documents, list):
            if len(documents) > MOST_DOCUMENTS:
                msg = (
                    f"Expected at most {MOST_DOCUMENTS:,} documents, got {len(documents):,}. "
                    "Send them in several requests."
                )
                raise ValueError(msg)
            for document in documents:
                if isinstance(document, dict) and len(document) > _MOST_FIELDS:
                    msg = f"Expected at most {_MOST_FIELDS} fields a document, got {len(document)}."
                    raise ValueError(msg)
        return documents

    def texts(self, cross_encoder: CrossEncoder) -> list[str]:
        """The documents as a model reads them.

        Args:
            cross_encoder: The model.

        Returns:
            One text for each.

        Raises:
            InvalidArgumentError: If a document has none of the fields to read.
        """
        return [
            _text(
                document, position, self.rank_fields, prepend_heading=cross_encoder.prepend_heading
            )
            for position, document in enumerate(self.documents)
        ]


class RerankResult(BaseModel):
    """One document's place."""

    index: int = Field(description="Position of the document in the request, from 0.")
    relevance_score: float = Field(description="How probably it answers the query, in [0, 1].")
    document: dict[str, _Value] | None = Field(
        default=None, description="The document, if asked for; a plain text as `text`."
    )


class RerankUsage(BaseModel):
    """What was read."""

    prompt_tokens: int = Field(description="Tokens of the pairs of query and document.")
    total_tokens: int = Field(description="The same.")


class RerankResponse(BaseModel):
    """The documents, best first."""

    id: str = Field(description="Names this answer.")
    model: str = Field(description="Id of the model that reranks.")
    results: list[RerankResult] = Field(description="Best first.")
    meta: dict[str, Any] = Field(
        description="`api_version`, `tokens`, and `warnings` where something was cut."
    )
    usage: RerankUsage


def _text(
    document: _Document, position: int, rank_fields: list[str] | None, *, prepend_heading: bool
) -> str:
    if isinstance(document, str):
        return document
    if rank_fields is not None:
        lines = [f"{name}: {document[name]}" for name in rank_fields if name in document]
        if not lines:
            msg = f"Expected document {position} to have one of {rank_fields}, got {[*document]}."
            raise InvalidArgumentError(msg)
        return "\n".join(lines)
    text = document.get("text")
    if not isinstance(text, str):
        msg = f"Expected document {position} to have a text, got {[*document]}. Name rank_fields."
        raise InvalidArgumentError(msg)
    parts = [document.get(name) for name in ("title", "section")]
    title, section = (part if isinstance(part, str) else "" for part in parts)
    return headed_text(heading(title, [section]), text) if prepend_heading else text


router = APIRouter()
_ROUTE: dict[str, Any] = {
    "summary": "Rerank documents",
    "responses": failures(400, 401, 413, 422, 429, 500, 503),
    "response_model_exclude_unset": True,
}


@router.post("/v1/rerank", **_ROUTE)
async def _rerank_v1(
    rerank: RerankRequest, request: Request, service: RerankServiceOf
) -> RerankResponse:
    return await _answer(rerank, request, service, version="1")


@router.post("/v2/rerank", **_ROUTE)
async def _rerank_v2(
    rerank: RerankRequest, request: Request, service: RerankServiceOf
) -> RerankResponse:
    return await _answer(rerank, request, service, version="2")


async def _answer(
    body: RerankRequest, request: Request, service: RerankService, version: str
) -> RerankResponse:
    reranking = await service.rerank(
        request,
        body.query,
        body.texts,
        top_n=body.top_n,
        max_tokens=body.max_tokens_per_doc,
    )
    meta: dict[str, Any] = {
        "api_version": {"version": version},
        "tokens": {"input_tokens": reranking.tokens},
    }
    if reranking.warnings:
        meta["warnings"] = reranking.warnings
    return RerankResponse(
        id=str(uuid.uuid4()),
        model=service.model_id,
        results=[
            _result(position, score, body)
            for position, score in zip(reranking.order, reranking.relevance_scores, strict=True)
        ],
        meta=meta,
        usage=RerankUsage(prompt_tokens=reranking.tokens, total_tokens=reranking.tokens),
    )


def _result(position: int, score: float, body: RerankRequest) -> RerankResult:
    if not body.return_documents:
        return RerankResult(index=position, relevance_score=score)
    document = body.documents[position]
    shown = {"text": document} if isinstance(document, str) else document
    return RerankResult(index=position, relevance_score=score, document=shown)

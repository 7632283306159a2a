"""Reranking over HTTP, in the format of Cohere and Jina, which many programs support."""

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
MAX_BODY_BYTES = 4 * 1024 * 1024
_MAX_DOCUMENTS = 1000
_MAX_QUERY_CHARS = 20_000
_MAX_FIELDS = 100

_Value = str | int | float | bool | None
_Document = str | dict[str, _Value]
_DOCUMENTS: list[Any] = [
    "The lighthouse was built in 1821.",
    {"text": "Herring are caught at night.", "title": "Herring"},
]


class RerankRequest(BaseModel):
    """A query and documents to rerank. Unknown fields are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"query": "When are herring caught?", "documents": _DOCUMENTS, "top_n": 1}]
        },
    )

    query: str = Field(
        max_length=_MAX_QUERY_CHARS, description="A question or keywords; not blank."
    )
    documents: list[_Document] = Field(
        max_length=_MAX_DOCUMENTS,
        description="Texts, or objects with `text` and an optional `title` and `section`, which "
        "the model reads before the text.",
    )
    model: str | None = Field(
        default=None, description="Ignored: the server has one model, named in the response."
    )
    top_n: int | None = Field(
        default=None, ge=1, description="Most results to return; null for all."
    )
    return_documents: bool | None = Field(
        default=None, description="Whether to repeat the document in each result."
    )
    rank_fields: list[str] | None = Field(
        default=None,
        max_length=_MAX_FIELDS,
        description="Fields of the objects to read instead of `text`, in this order.",
    )
    max_tokens_per_doc: int | None = Field(
        default=None, ge=1, description="Most tokens to read of a document; null for all."
    )

    @field_validator("documents", mode="before")
    @classmethod
    def _check_size(cls, documents: object) -> object:
        if isinstance(documents, list):
            if len(documents) > _MAX_DOCUMENTS:
                msg = (
                    f"Expected at most {_MAX_DOCUMENTS:,} documents, got {len(documents):,}. "
                    "Send them in several requests."
                )
                raise ValueError(msg)
            for document in documents:
                if isinstance(document, dict) and len(document) > _MAX_FIELDS:
                    msg = (
                        f"Expected at most {_MAX_FIELDS} fields per document, got {len(document)}. "
                        "Send only the fields to read."
                    )
                    raise ValueError(msg)
        return documents

    def texts(self, cross_encoder: CrossEncoder) -> list[str]:
        """Return the documents as the model reads them.

        Args:
            cross_encoder: The model, which may or may not read headings.

        Returns:
            One text per document.

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
    """The score of a document."""

    index: int = Field(description="Position of the document in the request, from 0.")
    relevance_score: float = Field(
        description="Probability that the document answers the query, in [0, 1]."
    )
    document: dict[str, _Value] | None = Field(
        default=None, description="The document, if requested; a plain text is in `text`."
    )


class RerankUsage(BaseModel):
    """The number of tokens read."""

    prompt_tokens: int = Field(description="Tokens of all pairs of query and document.")
    total_tokens: int = Field(description="Same as `prompt_tokens`.")


class RerankResponse(BaseModel):
    """The reranked documents."""

    id: str = Field(description="Id of this response.")
    model: str = Field(description="Id of the reranker.")
    results: list[RerankResult] = Field(description="Results, best first.")
    meta: dict[str, Any] = Field(
        description="`api_version`, `tokens`, and `warnings` if something was truncated."
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
            msg = (
                f"Expected document {position} to have one of {rank_fields}, got {[*document]}. "
                "Change rank_fields."
            )
            raise InvalidArgumentError(msg)
        return "\n".join(lines)
    text = document.get("text")
    if not isinstance(text, str):
        msg = (
            f"Expected document {position} to have a text, got {[*document]}. Send `text`, or name "
            "the fields to read in rank_fields."
        )
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
    fields = {"text": document} if isinstance(document, str) else document
    return RerankResult(index=position, relevance_score=score, document=fields)

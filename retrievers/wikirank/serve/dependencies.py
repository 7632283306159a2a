"""What the routes of the API are given, and what they say of their failures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from wikirank.serve.models import ErrorResponse
from wikirank.serve.service import RerankService, SearchService

_MEANINGS = {
    400: "An argument is out of range or unknown, or the host name is not this server's.",
    401: "The token is missing or wrong.",
    413: "The body is too large.",
    422: "The request is not of the described form.",
    429: "Too many requests wait; Retry-After says when to try again.",
    500: "The search failed.",
    503: "The index's Chroma server does not answer, or this server is shutting down.",
}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI takes as `responses`, for the HTTP statuses that a route may fail with."""
    return {
        status: {"model": ErrorResponse, "description": _MEANINGS[status]} for status in statuses
    }


async def _search_service(request: Request) -> SearchService:
    service: SearchService = request.app.state.search
    return service


async def _rerank_service(request: Request) -> RerankService:
    service: RerankService = request.app.state.rerank
    return service


SearchServiceOf = Annotated[SearchService, Depends(_search_service)]
RerankServiceOf = Annotated[RerankService, Depends(_rerank_service)]

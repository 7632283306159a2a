"""Dependencies of the API's routes, and the description of their errors."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from wikirank.serve.models import ErrorResponse
from wikirank.serve.service import RerankService, SearchService

_DESCRIPTIONS = {
    400: "An argument is out of range or unknown, or the host name is not allowed.",
    401: "The token is missing or wrong.",
    413: "The body is too large.",
    422: "The request does not match the schema.",
    429: "Too many requests are waiting. Retry-After has the seconds to wait.",
    500: "The search failed.",
    503: "The Chroma server of the index does not answer, or this server is shutting down.",
}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the error statuses of a route, for FastAPI's `responses`."""
    return {
        status: {"model": ErrorResponse, "description": _DESCRIPTIONS[status]}
        for status in statuses
    }


async def _search_service(request: Request) -> SearchService:
    service: SearchService = request.app.state.search
    return service


async def _rerank_service(request: Request) -> RerankService:
    service: RerankService = request.app.state.rerank
    return service


SearchServiceOf = Annotated[SearchService, Depends(_search_service)]
RerankServiceOf = Annotated[RerankService, Depends(_rerank_service)]

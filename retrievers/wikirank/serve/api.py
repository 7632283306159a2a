"""The web application: the page's files, and the JSON API beneath it."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

import wikirank
from wikirank.search import Searcher
from wikirank.serve.assets import add_assets
from wikirank.serve.failures import add_error_handlers
from wikirank.serve.guard import Guard
from wikirank.serve.models import ErrorResponse, InfoResponse, SearchRequest, SearchResponse
from wikirank.serve.service import SearchService

_DESCRIPTION = """\
Ask a wiki index: candidates of vectors and BM25, reordered by a cross-encoder, each with the score
of every stage. Errors are JSON with a status and a message."""
_bearer = HTTPBearer(auto_error=False, description="Needed where the server was given a token.")


def create_app(
    searcher: Searcher,
    *,
    host: str = "127.0.0.1",
    token: str | None = None,
    example_queries: Sequence[str] = (),
) -> FastAPI:
    """Make the web application.

    Args:
        searcher: What answers the questions; the caller closes its index in the end.
        host: Name or address that the server listens on; other `Host` headers are refused.
        token: What clients of the API must present as bearer; None if nothing.
        example_queries: Queries that the page offers to begin with.

    Returns:
        An ASGI application. Its lifespan warms the models up and waits for running searches.
    """
    service = SearchService(searcher, example_queries)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.warm_up()
        yield
        service.close()

    # FastAPI's own pages of documentation load scripts from elsewhere.
    app = FastAPI(
        title="wikirank",
        version=wikirank.__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.token = token
    app.add_middleware(Guard, host=host)
    app.include_router(_router)
    add_error_handlers(app)
    add_assets(app)
    return app


async def _check_token(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    token = request.app.state.token
    if token is None:
        return
    presented = given.credentials if given else ""
    if not hmac.compare_digest(presented.encode(), token.encode()):
        raise HTTPException(
            401,
            "This server wants its token. Open the address that `wikirank serve` printed.",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    meanings = {
        400: "An argument is out of range or unknown, or the host name is not this server's.",
        401: "The token is missing or wrong.",
        422: "The request is not of the described form.",
        500: "The search failed.",
        503: "The index's Chroma server does not answer, or this server is shutting down.",
    }
    return {
        status: {"model": ErrorResponse, "description": meanings[status]} for status in statuses
    }


async def _service(request: Request) -> SearchService:
    service: SearchService = request.app.state.service
    return service


_Service = Annotated[SearchService, Depends(_service)]
_router = APIRouter(prefix="/api", dependencies=[Depends(_check_token)])


@_router.get("/info", summary="What the index holds", responses=_failures(400, 401))
async def _info(service: _Service) -> InfoResponse:
    return await service.info()


@_router.post("/search", summary="Ask the index", responses=_failures(400, 401, 422, 500, 503))
async def _search(search: SearchRequest, service: _Service) -> SearchResponse:
    return await service.search(search)

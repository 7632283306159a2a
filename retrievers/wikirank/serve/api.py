"""The web application: the page's files, and the JSON API beneath it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.security import HTTPBearer
from starlette.responses import PlainTextResponse

from wikirank._version import __version__
from wikirank.rank import CrossEncoder
from wikirank.search.pipeline import CandidateReranker
from wikirank.serve import dify, rerank_api
from wikirank.serve.admission import Admission
from wikirank.serve.assets import add_assets
from wikirank.serve.dependencies import SearchServiceOf, failures
from wikirank.serve.failures import add_error_handlers
from wikirank.serve.guard import Access, Guard
from wikirank.serve.metrics import MEDIA_TYPE, Measured, Metrics
from wikirank.serve.models import InfoResponse, SearchRequest, SearchResponse
from wikirank.serve.queue import WorkQueue
from wikirank.serve.service import RerankService, SearchService

_DESCRIPTION = """\
Ask a wiki index, or a wiki by its own search: candidates, reordered by a cross-encoder, each with
the score of every stage. Or send documents to rerank, in the form that Cohere and Jina share.
Errors are JSON with a status and a message."""
_HEALTH = "/healthz"
_OPEN = frozenset({_HEALTH, "/openapi.json"})
_BODY_BYTES = dict.fromkeys(rerank_api.RERANK_PATHS, rerank_api.LONGEST_BODY_BYTES)
# The guard looks at the token, before a body is read; this describes it in /openapi.json.
_bearer = HTTPBearer(auto_error=False, description="Needed where the server was given a token.")


def create_app(
    searcher: CandidateReranker,
    *,
    host: str = "127.0.0.1",
    allowed_hosts: Sequence[str] = (),
    token: str | None = None,
    example_queries: Sequence[str] = (),
    queue: WorkQueue | None = None,
) -> FastAPI:
    """Make the web application that asks an index, and that reranks what clients send.

    Args:
        searcher: What answers the questions, from an index or from a wiki that has none; the
            caller closes that in the end.
        host: Name or address that the server listens on; other `Host` headers are refused.
        allowed_hosts: Other names that clients reach it by, such as a reverse proxy's.
        token: What clients of the API must present as bearer; None if nothing.
        example_queries: Queries that the page offers to begin with.
        queue: Where the work is done; None makes one of the usual size.

    Returns:
        An ASGI application. Its lifespan warms the models up and waits for running searches.
    """
    queue = queue or WorkQueue()
    metrics = Metrics(queue)
    search = SearchService(searcher, queue, metrics, example_queries)
    app = _app(queue, search.warm_up)
    app.state.search = search
    app.state.rerank = RerankService(lambda: searcher.cross_encoder, queue, metrics)
    _include(app, metrics, _router, dify.router, rerank_api.router)
    pages = add_assets(app)
    return _guarded(app, queue, metrics, Access(host, allowed_hosts, token, {*_OPEN, *pages}))


def create_rerank_app(
    cross_encoder: CrossEncoder,
    *,
    host: str = "127.0.0.1",
    allowed_hosts: Sequence[str] = (),
    token: str | None = None,
    queue: WorkQueue | None = None,
) -> FastAPI:
    """Make the web application that only reranks what clients send, without an index.

    Args:
        cross_encoder: The model.
        host: See `create_app`.
        allowed_hosts: See `create_app`.
        token: See `create_app`.
        queue: See `create_app`.

    Returns:
        An ASGI application.
    """
    queue = queue or WorkQueue()
    metrics = Metrics(queue)
    service = RerankService(lambda: cross_encoder, queue, metrics)
    app = _app(queue, service.warm_up)
    app.state.rerank = service
    _include(app, metrics, rerank_api.router)
    return _guarded(app, queue, metrics, Access(host, allowed_hosts, token, _OPEN))


def _app(queue: WorkQueue, warm_up: Callable[[], None]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warm_up()
        yield
        queue.close()

    # FastAPI's own pages of documentation load scripts from elsewhere.
    app = FastAPI(
        title="wikirank",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    add_error_handlers(app)
    return app


def _include(app: FastAPI, metrics: Metrics, *routers: APIRouter) -> None:
    for router in routers:
        app.include_router(router, dependencies=[Depends(_bearer)])

    @app.get(_HEALTH, summary="Whether the server runs; needs no token", tags=["operation"])
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/metrics",
        summary="Requests, seconds by stage and queue, for Prometheus",
        tags=["operation"],
        responses=failures(400, 401),
        response_class=PlainTextResponse,
        dependencies=[Depends(_bearer)],
    )
    async def show_metrics() -> PlainTextResponse:
        return PlainTextResponse(metrics.render(), media_type=MEDIA_TYPE)


def _guarded(app: FastAPI, queue: WorkQueue, metrics: Metrics, access: Access) -> FastAPI:
    """Put the checks before an application; the last that is added sees a request first."""
    paths = {*app.openapi()["paths"], *access.open_paths}
    app.add_middleware(Admission, queue=queue)
    app.add_middleware(Guard, access=access, body_bytes=_BODY_BYTES)
    app.add_middleware(Measured, metrics=metrics, paths=paths)
    return app


_router = APIRouter(prefix="/api")


@_router.get("/info", summary="What the index holds", responses=failures(400, 401))
async def _info(request: Request, service: SearchServiceOf) -> InfoResponse:
    return await service.info(request)


@_router.post(
    "/search", summary="Ask the index", responses=failures(400, 401, 413, 422, 429, 500, 503)
)
async def _search(
    search: SearchRequest, request: Request, service: SearchServiceOf
) -> SearchResponse:
    return await service.search(request, search)

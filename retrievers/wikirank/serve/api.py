"""The web application: the files of the page, and the JSON API."""

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
from wikirank.serve.metrics import MEDIA_TYPE, Metrics, MetricsMiddleware
from wikirank.serve.models import InfoResponse, SearchRequest, SearchResponse
from wikirank.serve.queue import WorkQueue
from wikirank.serve.service import RerankService, SearchService

_DESCRIPTION = """\
Search a wiki index, or a live wiki by its own search: candidates, reordered by a cross-encoder,
each with the score of every stage. Or send documents to rerank, in the format of Cohere and Jina.
Errors are JSON with a status and a message."""
_HEALTH = "/healthz"
_OPEN = frozenset({_HEALTH, "/openapi.json"})
_BODY_BYTES = dict.fromkeys(rerank_api.RERANK_PATHS, rerank_api.MAX_BODY_BYTES)
# The guard checks the token before the body is read; this only documents it in /openapi.json.
_bearer = HTTPBearer(auto_error=False, description="Needed if the server was started with a token.")


def create_app(
    searcher: CandidateReranker,
    *,
    host: str = "127.0.0.1",
    allowed_hosts: Sequence[str] = (),
    token: str | None = None,
    example_queries: Sequence[str] = (),
    queue: WorkQueue | None = None,
) -> FastAPI:
    """Create the web application that searches, and that reranks documents of clients.

    Args:
        searcher: Searches an index or a live wiki. The caller closes it.
        host: Name or address that the server listens on. Other `Host` headers are refused.
        allowed_hosts: Further names that clients use, such as the name of a reverse proxy.
        token: Bearer token that clients must send; None for no token.
        example_queries: Queries that the page suggests.
        queue: Queue that runs the requests; None for a queue of the default size.

    Returns:
        An ASGI application. Its lifespan loads the models at the start and waits for running
        searches at the end.
    """
    queue = queue or WorkQueue()
    metrics = Metrics(queue)
    search = SearchService(searcher, queue, metrics, example_queries)
    app = _create_fastapi(queue, search.warm_up)
    app.state.search = search
    app.state.rerank = RerankService(lambda: searcher.cross_encoder, queue, metrics)
    _include(app, metrics, _router, dify.router, rerank_api.router)
    pages = add_assets(app)
    access = Access(host, allowed_hosts, token, {*_OPEN, *pages})
    return _add_middleware(app, queue, metrics, access)


def create_rerank_app(
    cross_encoder: CrossEncoder,
    *,
    host: str = "127.0.0.1",
    allowed_hosts: Sequence[str] = (),
    token: str | None = None,
    queue: WorkQueue | None = None,
) -> FastAPI:
    """Create the web application that only reranks documents of clients, without an index.

    Args:
        cross_encoder: Model to rerank with.
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
    app = _create_fastapi(queue, service.warm_up)
    app.state.rerank = service
    _include(app, metrics, rerank_api.router)
    return _add_middleware(app, queue, metrics, Access(host, allowed_hosts, token, _OPEN))


def _create_fastapi(queue: WorkQueue, warm_up: Callable[[], None]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warm_up()
        yield
        queue.close()

    # FastAPI's documentation pages load scripts from other sites.
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

    @app.get(_HEALTH, summary="Check that the server runs; needs no token", tags=["operation"])
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/metrics",
        summary="Metrics for Prometheus: requests, seconds by stage, queue",
        tags=["operation"],
        responses=failures(400, 401),
        response_class=PlainTextResponse,
        dependencies=[Depends(_bearer)],
    )
    async def show_metrics() -> PlainTextResponse:
        return PlainTextResponse(metrics.render(), media_type=MEDIA_TYPE)


def _add_middleware(app: FastAPI, queue: WorkQueue, metrics: Metrics, access: Access) -> FastAPI:
    """Add metrics and checks to an application. The last middleware sees a request first."""
    paths = {*app.openapi()["paths"], *access.open_paths}
    app.add_middleware(Admission, queue=queue)
    app.add_middleware(Guard, access=access, body_bytes=_BODY_BYTES)
    app.add_middleware(MetricsMiddleware, metrics=metrics, paths=paths)
    return app


_router = APIRouter(prefix="/api")


@_router.get("/info", summary="Describe the index", responses=failures(400, 401))
async def _info(request: Request, service: SearchServiceOf) -> InfoResponse:
    return await service.info(request)


@_router.post(
    "/search", summary="Search the index", responses=failures(400, 401, 413, 422, 429, 500, 503)
)
async def _search(
    search: SearchRequest, request: Request, service: SearchServiceOf
) -> SearchResponse:
    return await service.search(request, search)

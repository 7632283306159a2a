"""Serve the files of the page from the package; the page loads nothing from other sites."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def add_assets(app: FastAPI) -> list[str]:
    """Serve the page at `/` and its other files under their names.

    Args:
        app: Application to add the routes to.

    Returns:
        The paths of the files.
    """
    paths = []
    for file in files("wikirank.serve").joinpath("static").iterdir():
        media_type = _MEDIA_TYPES.get(f".{file.name.rpartition('.')[2]}")
        if media_type:
            path = "/" if file.name == "page.html" else f"/{file.name}"
            app.router.routes.append(Route(path, _endpoint(file.read_bytes(), media_type)))
            paths.append(path)
    return paths


def _endpoint(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def respond(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return respond

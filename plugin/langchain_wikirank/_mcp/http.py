"""The MCP server over HTTP: for clients that have the token, on this machine unless told."""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/mcp"

_SECONDS_TO_FINISH = 2


class _OneToken:
    """Knows the one token that all clients share."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who bears a token; None if it is not ours. Takes as long for any of its length."""
        if not secrets.compare_digest(token.encode(), self._token):
            return None
        return AccessToken(token=token, client_id="wikirank", scopes=[])


class _Sessions:
    """The session manager as an ASGI app; Starlette would take its method for an endpoint."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


def http_app(server: Server[Any], token: str, hosts: Sequence[str]) -> Starlette:
    """The server as a web application that asks for a bearer token.

    Args:
        server: The server.
        token: What clients must send as `Authorization: Bearer …`.
        hosts: Names and addresses that requests may be made to, and pages that make them come
            from; against a page whose own name is pointed at this machine (DNS rebinding).

    Returns:
        The application; its one path is `/mcp`.
    """
    manager = StreamableHTTPSessionManager(server, security_settings=_security(hosts))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    guarded: ASGIApp = RequireAuthMiddleware(_Sessions(manager), required_scopes=[])
    backend = BearerAuthBackend(_OneToken(token))
    return Starlette(
        routes=[Route(PATH, endpoint=guarded)],
        middleware=[Middleware(AuthenticationMiddleware, backend=backend)],
        lifespan=lifespan,
    )


def _security(hosts: Sequence[str]) -> TransportSecuritySettings:
    names = [f"[{host}]" if ":" in host else host for host in hosts]
    origins = [f"{scheme}://{name}" for scheme in ("http", "https") for name in names]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[*origins, *(f"{origin}:*" for origin in origins)],
    )


def serve_http(app: Starlette, listening: socket.socket) -> None:
    """Serve until Ctrl-C.

    Args:
        app: What to serve.
        listening: The socket to serve it on.
    """
    config = uvicorn.Config(
        app,
        log_config=None,  # Logging is as the program has set it up.
        access_log=False,
        # Clients keep a stream open for messages of the server: these do not end by themselves.
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    logging.getLogger("mcp.server.streamable_http").addFilter(_is_failure)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _is_failure(record: logging.LogRecord) -> bool:
    """Whether a logged error is one; the transport also logs each client that leaves."""
    return not (record.exc_info and isinstance(record.exc_info[1], anyio.ClosedResourceError))

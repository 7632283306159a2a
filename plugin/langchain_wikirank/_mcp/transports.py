"""Run the MCP server over standard input and output, or over HTTP with a token."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from io import TextIOWrapper
from typing import Any, BinaryIO, cast

import anyio
import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client over standard input and output until it closes the input.

    While it runs, anything else printed to standard output goes to standard error.
    """
    with _protocol_streams() as (requests, answers):
        # The transport expects a file but only iterates over its lines.
        lines = cast("anyio.AsyncFile[str]", _lines(requests))
        out = anyio.wrap_file(TextIOWrapper(answers, encoding="utf-8", newline="\n"))
        async with stdio_server(lines, out) as (read, write):
            await server.run(read, write, server.create_initialization_options())


@contextmanager
def _protocol_streams() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Reserve standard input and output for the protocol; redirect prints to standard error."""
    stdin, stdout = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    try:
        # Not closed, because at the end a thread still waits for a line of the input.
        yield os.fdopen(stdin, "rb"), os.fdopen(os.dup(stdout), "wb")
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


async def _lines(stream: BinaryIO) -> AsyncIterator[str]:
    """Yield lines of a stream, read in a daemon thread so that Ctrl-C and exit do not wait."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with suppress(RuntimeError):  # The loop is closed.
            for line in stream:
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, b"")

    threading.Thread(target=read, name="mcp-stdin", daemon=True).start()
    while line := await queue.get():
        yield line.decode("utf-8", errors="replace")


PATH = "/mcp"
SESSION_IDLE_SECONDS = 30 * 60.0

_SHUTDOWN_SECONDS = 2
_MAX_SESSIONS = 1000
_MAX_BODY_BYTES = 256 * 1024
_MAX_HEADER_BYTES = 32 * 1024


class _TokenVerifier:
    """Verifies the one token that all clients share."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the access of a token, None if it is wrong; compared in constant time."""
        if not secrets.compare_digest(token.encode(), self._token):
            return None
        return AccessToken(token=token, client_id="wikirank", scopes=[])


class _Sessions:
    """The session manager as an ASGI app; Starlette would treat its method as an endpoint."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


def http_app(
    server: Server[Any],
    token: str,
    hosts: Sequence[str],
    *,
    idle_seconds: float = SESSION_IDLE_SECONDS,
) -> Starlette:
    """Wrap the server as a web application that requires a bearer token.

    Args:
        server: The server.
        token: The token that clients send as `Authorization: Bearer …`.
        hosts: Names and addresses allowed in the Host and Origin headers. This protects against
            web pages whose name resolves to this machine (DNS rebinding).
        idle_seconds: Seconds after which a session without requests ends.

    Returns:
        The application. Its only path is `/mcp`.
    """
    manager = StreamableHTTPSessionManager(
        server,
        security_settings=_security(hosts),
        session_idle_timeout=idle_seconds,
        max_sessions=_MAX_SESSIONS,
        max_request_body_size=_MAX_BODY_BYTES,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    guarded: ASGIApp = RequireAuthMiddleware(_Sessions(manager), required_scopes=[])
    backend = BearerAuthBackend(_TokenVerifier(token))
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


def serve_http(app: Starlette, sock: socket.socket) -> None:
    """Serve an application on a bound socket until Ctrl-C."""
    config = uvicorn.Config(
        app,
        # httptools reads headers of any length before the token can be checked.
        http="h11",
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
        log_config=None,  # Keep the logging of the program.
        access_log=False,
        # Clients keep streams open for messages of the server, which do not end on their own.
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    logging.getLogger("mcp.server.streamable_http").addFilter(_is_failure)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[sock])


def _is_failure(record: logging.LogRecord) -> bool:
    """Drop log records of clients that disconnect, which the transport logs as errors."""
    return not (record.exc_info and isinstance(record.exc_info[1], anyio.ClosedResourceError))

"""The MCP server over standard input and output, or over HTTP for clients that have the token."""

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
    """Serve one client over standard input and output, until it closes the input.

    While it runs, nothing else can write to standard output: it goes to standard error.

    Args:
        server: The server.
    """
    with _own_streams() as (requests, answers):
        # The transport wants a file, of which it only takes the lines.
        lines = cast("anyio.AsyncFile[str]", _lines(requests))
        out = anyio.wrap_file(TextIOWrapper(answers, encoding="utf-8", newline="\n"))
        async with stdio_server(lines, out) as (read, write):
            await server.run(read, write, server.create_initialization_options())


@contextmanager
def _own_streams() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The process's input and output for the protocol alone; what prints, prints to the error."""
    stdin, stdout = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    try:
        # Left open: at the end a thread still waits for a line of the first.
        yield os.fdopen(stdin, "rb"), os.fdopen(os.dup(stdout), "wb")
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


async def _lines(stream: BinaryIO) -> AsyncIterator[str]:
    """The lines of a stream, read in a thread that neither Ctrl-C nor the exit waits for."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with suppress(RuntimeError):  # The loop is closed: nobody listens.
            for line in stream:
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, b"")

    threading.Thread(target=read, name="mcp-stdin", daemon=True).start()
    while line := await queue.get():
        yield line.decode("utf-8", errors="replace")


PATH = "/mcp"
SESSION_IDLE_SECONDS = 30 * 60.0

_SECONDS_TO_FINISH = 2
_MOST_SESSIONS = 1000
_LONGEST_BODY_BYTES = 256 * 1024
_LONGEST_HEADERS_BYTES = 32 * 1024


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


def http_app(
    server: Server[Any],
    token: str,
    hosts: Sequence[str],
    *,
    idle_seconds: float = SESSION_IDLE_SECONDS,
) -> Starlette:
    """The server as a web application that asks for a bearer token.

    Args:
        server: The server.
        token: What clients must send as `Authorization: Bearer …`.
        hosts: Names and addresses that requests may be made to, and pages that make them come
            from; against a page whose own name is pointed at this machine (DNS rebinding).
        idle_seconds: How long a session without a request lives.

    Returns:
        The application; its one path is `/mcp`.
    """
    manager = StreamableHTTPSessionManager(
        server,
        security_settings=_security(hosts),
        session_idle_timeout=idle_seconds,
        max_sessions=_MOST_SESSIONS,
        max_request_body_size=_LONGEST_BODY_BYTES,
    )

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
        # httptools reads headers of any length before anything can look at the token.
        http="h11",
        h11_max_incomplete_event_size=_LONGEST_HEADERS_BYTES,
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

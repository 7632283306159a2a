"""Serving an application until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

_GRACE_SECONDS = 3
_LONGEST_HEADERS_BYTES = 32 * 1024


def run(app: FastAPI, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C, then answer what has been asked and return.

    Args:
        app: The application.
        listening: From `open_socket`.
        on_ready: Called once requests are answered and Ctrl-C is listened to.
    """
    # uvicorn shuts down on the first SIGINT and then raises it again.
    with suppress(KeyboardInterrupt):
        _Server(server_config(app), on_ready).run(sockets=[listening])


def server_config(app: FastAPI) -> uvicorn.Config:
    """How an application is served: bounded headers, no guess at who a proxy speaks for."""
    return uvicorn.Config(
        app,
        # httptools reads headers of any length before anything can look at the token.
        http="h11",
        h11_max_incomplete_event_size=_LONGEST_HEADERS_BYTES,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def page_url(host: str, listening: socket.socket, token: str | None) -> str:
    """The address to open in a browser on this machine.

    Args:
        host: As given to `open_socket`.
        listening: What it returned.
        token: Goes into the address's fragment, which browsers do not send on.

    Returns:
        The address.
    """
    port = listening.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"#token={token}" if token else "")

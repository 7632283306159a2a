"""Run a web application until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

_GRACE_SECONDS = 3
_MAX_HEADERS_BYTES = 32 * 1024


def run(app: FastAPI, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve an application until Ctrl-C, finish the running requests, and return.

    Args:
        app: The application.
        listening: Socket from `open_socket`.
        on_ready: Called when the server accepts requests and handles Ctrl-C.
    """
    # uvicorn shuts down on the first SIGINT and then raises it again.
    with suppress(KeyboardInterrupt):
        _Server(server_config(app), on_ready).run(sockets=[listening])


def server_config(app: FastAPI) -> uvicorn.Config:
    """Return the server's settings: headers of limited size, and no trust in proxy headers."""
    return uvicorn.Config(
        app,
        # httptools reads headers of any length before the token can be checked.
        http="h11",
        h11_max_incomplete_event_size=_MAX_HEADERS_BYTES,
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
    """Return the address to open in a browser on this machine.

    Args:
        host: Host passed to `open_socket`.
        listening: Socket that `open_socket` returned.
        token: Token to put into the fragment of the address, which browsers do not send.

    Returns:
        The address.
    """
    port = listening.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"#token={token}" if token else "")

"""Serving an application until Ctrl-C."""

from __future__ import annotations

import socket
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

_GRACE_SECONDS = 3


def run(app: FastAPI, listening: socket.socket) -> None:
    """Serve until Ctrl-C, then answer what has been asked and return.

    Args:
        app: The application.
        listening: From `open_socket`.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # uvicorn shuts down on the first SIGINT and then raises it again.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])

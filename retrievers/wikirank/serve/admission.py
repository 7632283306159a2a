"""Admit requests while there is room in the queue, and read their bodies within a time limit."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wikirank.serve.failures import failure
from wikirank.serve.queue import QueueFullError, WorkQueue

BODY_SECONDS = 30.0


class Admission:
    """ASGI middleware: a POST request needs a place in the queue before its body is read.

    Otherwise any number of connections could each hold a body in memory.

    Args:
        app: The application behind this middleware.
        queue: The queue that requests wait in.
        body_seconds: Most seconds that a client may take to send a body.
    """

    def __init__(self, app: ASGIApp, queue: WorkQueue, body_seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._queue = queue
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer with 429 if the queue is full."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            with self._queue.admitted():
                await self._admit(scope, receive, send)
        except QueueFullError as full:
            response = failure(429, str(full))
            response.headers["Retry-After"] = str(full.retry_after)
            await response(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await asyncio.wait_for(_read_body(receive), self._body_seconds)
        except TimeoutError:
            message = f"Expected the body within {self._body_seconds:g} s. Send the request again."
            await failure(408, message)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        await self._app(scope, _replay(body, receive), send)


async def _read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields the body already read, then the following messages."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_next() -> Message:
        return pending.pop() if pending else await receive()

    return receive_next

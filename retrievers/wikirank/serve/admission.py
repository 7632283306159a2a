"""Which requests are let in: as many as there is room for, each with its body read in time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wikirank.serve.failures import failure
from wikirank.serve.queue import QueueFullError, WorkQueue

BODY_SECONDS = 30.0


class Admission:
    """ASGI middleware: a POST needs a place in the queue before its body is read.

    Without it each connection could hold a body in memory, however many there are.

    Args:
        app: What answers the requests that are let in.
        queue: Has the places.
        body_seconds: How long a client may take to send a body.
    """

    def __init__(self, app: ASGIApp, queue: WorkQueue, body_seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._queue = queue
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that there is no room for it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            with self._queue.admitted():
                await self._admit(scope, receive, send)
        except QueueFullError as full:
            answer = failure(429, str(full))
            answer.headers["Retry-After"] = str(full.retry_after)
            await answer(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await asyncio.wait_for(_whole_body(receive), self._body_seconds)
        except TimeoutError:
            answer = failure(408, f"The body did not arrive within {self._body_seconds:g} s.")
            await answer(scope, receive, send)
            return
        except ClientDisconnect:
            return
        await self._app(scope, _after(body, receive), send)


async def _whole_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _after(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read, and then what comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_next() -> Message:
        return pending.pop() if pending else await receive()

    return receive_next

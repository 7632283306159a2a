"""A bounded queue for the work of many clients: threads that work, and a limit to who waits."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from fastapi import HTTPException
from starlette.requests import Request

from wikirank._cancellation import cancellable

# The models share one pool with a thread a core, in which the runs of all requests take turns, so
# that a large request does not hold up a small one; these threads mostly wait for it.
AT_ONCE = 8
MOST_WAITING = 32
CLIENT_CLOSED_REQUEST = 499
# How much the last request counts in the mean duration that Retry-After is estimated from.
_NEWEST = 0.2

_Result = TypeVar("_Result")


class QueueFullError(Exception):
    """As many requests wait as may.

    Args:
        retry_after: Seconds until there is likely to be room.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"The server is busy. Try again in {retry_after} s.")
        self.retry_after = retry_after


class _AbandonedError(Exception):
    """Nobody waits for this work any more."""


class WorkQueue:
    """Runs the work of requests in threads, in the order of their arrival.

    Args:
        at_once: How many requests are worked on at a time.
        most_waiting: How many more may wait.
    """

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="wikirank-serve")
        self._lock = threading.Lock()
        self._admitted = 0
        self._running = 0
        self._mean_seconds = 1.0
        self.refused = 0
        self.abandoned = 0

    @property
    def running(self) -> int:
        """How many requests are being worked on."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread, or for the rest of their body."""
        return max(0, self._admitted - self._running)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a place in the queue.

        Raises:
            QueueFullError: If there is none.
        """
        if self._admitted >= self._at_once + self._most_waiting:
            self.refused += 1
            rounds = self._admitted / self._at_once
            raise QueueFullError(max(1, math.ceil(rounds * self._mean_seconds)))
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def run(self, request: Request, work: Callable[[Callable[[], None]], _Result]) -> _Result:
        """Do the work of a request in a thread, for as long as its client is there.

        Args:
            request: The request, its body read.
            work: What to do. It is given a function to call between its steps, which raises where
                the client is gone and so ends the work.

        Returns:
            What the work returns.

        Raises:
            HTTPException: The client is gone, or the server is shutting down.
        """
        given_up = threading.Event()

        def check() -> None:
            if given_up.is_set():
                raise _AbandonedError

        with cancellable(given_up):
            call = partial(copy_context().run, self._timed, work, check)
        answer = asyncio.wrap_future(self._threads.submit(call))
        gone = asyncio.ensure_future(_hung_up(request))
        either: set[asyncio.Future[Any]] = {answer, gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        except asyncio.CancelledError:
            # Ctrl-C, and the time to finish in is over: an answer, no stack trace in the log.
            raise HTTPException(503, "The server is shutting down.") from None
        finally:
            given_up.set()
            gone.cancel()
            answer.cancel()
        self.abandoned += 1
        raise HTTPException(CLIENT_CLOSED_REQUEST, "The client closed the connection.")

    def start(self, work: Callable[[], object]) -> None:
        """Do something that no client waits for."""
        self._threads.submit(work)

    def close(self) -> None:
        """Wait for the work that has begun; what waits is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _timed(
        self, work: Callable[[Callable[[], None]], _Result], check: Callable[[], None]
    ) -> _Result:
        check()
        started = perf_counter()
        with self._lock:
            self._running += 1
        try:
            return work(check)
        finally:
            seconds = perf_counter() - started
            with self._lock:
                self._running -= 1
                self._mean_seconds += _NEWEST * (seconds - self._mean_seconds)


async def _hung_up(request: Request) -> None:
    """Return when the client of a request has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

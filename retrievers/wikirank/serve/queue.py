"""A bounded queue for the requests of many clients: worker threads and a limit on waiting."""

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

# More than one thread per core: these threads mostly wait for the models. All models share one
# pool with a thread per core, where the requests take turns, so a large request does not block a
# small one.
MAX_RUNNING = 8
MAX_WAITING = 32
CLIENT_CLOSED_REQUEST = 499
# Weight of the last request in the moving average that Retry-After is estimated from.
_NEWEST_WEIGHT = 0.2

_Result = TypeVar("_Result")


class QueueFullError(Exception):
    """The queue is full.

    Args:
        retry_after: Estimated seconds until there is room.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"The server is busy. Try again in {retry_after} s.")
        self.retry_after = retry_after


class _AbandonedError(Exception):
    """The client of this work is gone."""


class WorkQueue:
    """Runs the work of requests in threads, first come, first served.

    Args:
        max_running: Most requests that run at the same time.
        max_waiting: Most requests that wait beside them.
    """

    def __init__(self, max_running: int = MAX_RUNNING, max_waiting: int = MAX_WAITING) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._threads = ThreadPoolExecutor(max_running, thread_name_prefix="wikirank-serve")
        self._lock = threading.Lock()
        self._admitted = 0
        self._running = 0
        self._mean_seconds = 1.0
        self.refused = 0
        self.abandoned = 0

    @property
    def running(self) -> int:
        """Number of running requests."""
        return self._running

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a thread, or for the rest of their body."""
        return max(0, self._admitted - self._running)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a place in the queue.

        Raises:
            QueueFullError: If there is no place.
        """
        if self._admitted >= self._max_running + self._max_waiting:
            self.refused += 1
            rounds = self._admitted / self._max_running
            raise QueueFullError(max(1, math.ceil(rounds * self._mean_seconds)))
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def run(self, request: Request, work: Callable[[Callable[[], None]], _Result]) -> _Result:
        """Run the work of a request in a thread until it is done or the client is gone.

        Args:
            request: The request; its body must have been read.
            work: The work. It gets a function to call between its steps, which raises to end the
                work if the client is gone.

        Returns:
            The result of the work.

        Raises:
            HTTPException: If the client is gone, or the server is shutting down.
        """
        cancelled = threading.Event()

        def check() -> None:
            if cancelled.is_set():
                raise _AbandonedError

        with cancellable(cancelled):
            call = partial(copy_context().run, self._timed, work, check)
        result = asyncio.wrap_future(self._threads.submit(call))
        disconnect = asyncio.ensure_future(_wait_for_disconnect(request))
        either: set[asyncio.Future[Any]] = {result, disconnect}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if result.done():
                return result.result()
        except asyncio.CancelledError:
            # The grace period after Ctrl-C is over: answer, without a stack trace in the log.
            raise HTTPException(503, "The server is shutting down.") from None
        finally:
            cancelled.set()
            disconnect.cancel()
            result.cancel()
        self.abandoned += 1
        raise HTTPException(CLIENT_CLOSED_REQUEST, "The client closed the connection.")

    def start(self, work: Callable[[], object]) -> None:
        """Run work that no client waits for."""
        self._threads.submit(work)

    def close(self) -> None:
        """Wait for the running work and drop the waiting work."""
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
                self._mean_seconds += _NEWEST_WEIGHT * (seconds - self._mean_seconds)


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

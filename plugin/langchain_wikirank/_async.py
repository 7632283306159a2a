"""Run blocking work in a few threads of our own, without blocking the event loop.

asyncio's default executor is shared with the rest of the process, and its size would let too many
searches compete for the cores.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from wikirank._cancellation import cancellable

P = ParamSpec("P")
T = TypeVar("T")


# The models use several cores themselves, so a few searches at a time keep all cores busy.
_SEARCHES = max(2, min(4, os.cpu_count() or 1))
_READS = 2
_NAME = "langchain-wikirank"

_searches: ThreadPoolExecutor
_reads: ThreadPoolExecutor
"""For work that needs no model, so that it does not wait behind searches."""


def _start_executors() -> None:
    """Create the executors; again in a forked child, which has no threads of its parent."""
    global _searches, _reads
    _searches = ThreadPoolExecutor(_SEARCHES, thread_name_prefix=_NAME)
    _reads = ThreadPoolExecutor(_READS, thread_name_prefix=f"{_NAME}-read")


_start_executors()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_executors)


def start_in_worker(function: Callable[[], object]) -> None:
    """Run a function in a worker thread without waiting; it must handle its own errors."""
    _searches.submit(function)


def finish_workers() -> None:
    """Wait for running work and cancel queued work.

    Call it at the end of a program: a search that runs while the interpreter exits would fail.
    """
    for executor in (_searches, _reads):
        executor.shutdown(cancel_futures=True)
    _start_executors()


async def run_in_worker(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in a worker thread, in a copy of the caller's context.

    If the caller is cancelled, the function stops at its next check for cancellation.

    Args:
        function: The function to run.
        *args: Positional arguments of the function.
        **kwargs: Keyword arguments of the function.

    Returns:
        The result of the function. Its exceptions are raised here.
    """
    return await _run_in(_searches, partial(function, *args, **kwargs))


async def read_in_worker(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that needs no model; like `run_in_worker`, but never behind searches."""
    return await _run_in(_reads, partial(function, *args, **kwargs))


async def _run_in(executor: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    cancelled = threading.Event()
    with cancellable(cancelled):
        call = partial(copy_context().run, function)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, call)
    finally:
        cancelled.set()  # A thread cannot be stopped; its function checks this event.

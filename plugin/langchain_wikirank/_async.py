"""Where blocking work goes when an event loop asks for it: a few threads of our own.

asyncio's default executor is shared with everything else in the process and, being unbounded by
our needs, would let hundreds of searches fight over the cores at once.
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


# The models spread their own work over the cores: a few requests at a time keep those busy.
_SEARCHES = max(2, min(4, os.cpu_count() or 1))
_READS = 2
_NAME = "langchain-wikirank"

_searches: ThreadPoolExecutor
_reads: ThreadPoolExecutor
"""For what asks no model: it need not wait for a hundred searches."""


def _start_executors() -> None:
    """Start anew; also in a forked child, which has the executors' memory but no threads."""
    global _searches, _reads
    _searches = ThreadPoolExecutor(_SEARCHES, thread_name_prefix=_NAME)
    _reads = ThreadPoolExecutor(_READS, thread_name_prefix=f"{_NAME}-read")


_start_executors()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_executors)


def start_in_worker(function: Callable[[], object]) -> None:
    """Run a function in a worker thread and do not wait for it; it must tell its own errors."""
    _searches.submit(function)


def finish_workers() -> None:
    """Wait for what runs in worker threads and drop what waits there.

    For the end of a program: a search that still runs while the interpreter ends would fail.
    """
    for executor in (_searches, _reads):
        executor.shutdown(cancel_futures=True)
    _start_executors()


async def run_in_worker(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in a worker thread, within a copy of the caller's context.

    Args:
        function: What to run.
        *args: Its positional arguments.
        **kwargs: Its keyword arguments.

    Returns:
        What the function returns; its exceptions are raised here. Where this is cancelled, so is
        the function, at the next place where it looks.
    """
    return await _run_in(_searches, partial(function, *args, **kwargs))


async def read_in_worker(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that asks no model as `run_in_worker` does, but not after searches."""
    return await _run_in(_reads, partial(function, *args, **kwargs))


async def _run_in(executor: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    given_up = threading.Event()
    with cancellable(given_up):
        call = partial(copy_context().run, function)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, call)
    finally:
        given_up.set()  # A thread cannot be ended; what it does looks now and then.

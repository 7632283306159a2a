"""One bounded pool of worker threads for the whole process, shared by every model.

ONNX Runtime releases the GIL while it runs, so single-threaded runs spread over as many threads
as there are cores use the machine fully, and no more than fully however many callers there are.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from wikirank._cancellation import check_cancelled
from wikirank._util import ForkSafeLock
from wikirank.errors import InvalidArgumentError

THREADS_VARIABLE = "WIKIRANK_THREADS"

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_lock = ForkSafeLock()
_pool: tuple[ThreadPoolExecutor, int] | None = None


def thread_count() -> int:
    """How many worker threads the pool has: `WIKIRANK_THREADS`, else the usable cores.

    Returns:
        At least 1.

    Raises:
        InvalidArgumentError: If the variable is not a whole number over 0.
    """
    chosen = os.environ.get(THREADS_VARIABLE, "").strip()
    if not chosen:
        return _usable_cores()
    if not (chosen.isascii() and chosen.isdigit() and int(chosen) > 0):
        msg = f"Expected {THREADS_VARIABLE} to be a whole number over 0, got {chosen!r}."
        raise InvalidArgumentError(msg)
    return int(chosen)


def map_ordered(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Apply a function to items on the pool; may be called from many threads at once.

    Never call it from within such a function: the pool may have no thread left for it. No more
    than twice as many items as there are threads are under way at a time. When one fails, or the
    caller is interrupted, asks for no more or nobody waits for it any more, those not yet begun are
    cancelled.

    Args:
        function: Takes an item; its errors come through as they are.
        items: What to apply it to.

    Yields:
        The results in the order of the items.
    """
    pool, threads = _shared_pool()
    pending: deque[Future[_Result]] = deque()
    try:
        for item in items:
            check_cancelled()
            if len(pending) >= 2 * threads:
                yield pending.popleft().result()
            pending.append(pool.submit(function, item))
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _shared_pool() -> tuple[ThreadPoolExecutor, int]:
    global _pool
    with _lock:
        if _pool is None:
            threads = thread_count()
            _pool = ThreadPoolExecutor(threads, thread_name_prefix="wikirank"), threads
        return _pool


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _forget_pool() -> None:
    """A forked child has the pool's memory but none of its threads: start again there."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)

"""One bounded pool of worker threads for the whole process, shared by every model.

ONNX Runtime releases the GIL while it runs, so single-threaded runs on one thread per core use the
whole machine. A shared pool does not overload it, however many callers there are.
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
    """Return the number of worker threads: `WIKIRANK_THREADS`, or the number of usable cores.

    Returns:
        1 or more.

    Raises:
        InvalidArgumentError: If the variable is not an integer over 0.
    """
    chosen = os.environ.get(THREADS_VARIABLE, "").strip()
    if not chosen:
        return _usable_cores()
    if not (chosen.isascii() and chosen.isdigit() and int(chosen) > 0):
        msg = (
            f"Expected {THREADS_VARIABLE} to be an integer over 0, got {chosen!r}. "
            "Set it to a number of threads, or unset it."
        )
        raise InvalidArgumentError(msg)
    return int(chosen)


def map_ordered(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Apply a function to items on the pool. Many threads may call this at once.

    Never call it from within such a function: the pool may have no free thread. At most twice as
    many items as threads are submitted at a time. Items that have not started are cancelled if one
    fails, the caller stops early or is interrupted, or the work is cancelled.

    Args:
        function: Takes an item. Its errors are raised unchanged.
        items: The items, consumed as the work proceeds.

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
    """Start a new pool in a forked child, which has none of the old pool's threads."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)

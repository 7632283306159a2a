"""Small helpers that every folder uses: closing, batching, counting, and safety under `fork`."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Protocol, Self, TypeVar
from weakref import WeakSet

_FORK_TIMEOUT = 5.0
"""Longest wait of a fork, in seconds. A longer call waits for another process or a disk itself."""


class Closing(ABC):
    """A base class for context managers that close themselves on exit."""

    @abstractmethod
    def close(self) -> None:
        """Release files, connections, processes and threads."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


_Item = TypeVar("_Item")


def chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Split an iterable into lists of at most `size` items."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def counted(number: int, noun: str, plural: str = "") -> str:
    """Format a number with its noun in singular or plural: `1 article`, `2 articles`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_rust_panic(err: BaseException) -> bool:
    """Return whether a Rust extension panicked, for example on a damaged file.

    Such an error is no `Exception`, and its class cannot be imported.
    """
    return type(err).__name__ == "PanicException"


class ForkAware(Protocol):
    """An object that must be reset in a forked child before its use there."""

    def after_fork(self) -> None:
        """Drop the parent's threads, locks and connections. Called in the child only."""


_fork_aware: WeakSet[ForkAware] = WeakSet()


def renew_after_fork(resource: ForkAware) -> None:
    """Call `resource.after_fork` in each forked child, for as long as the resource lives."""
    _fork_aware.add(resource)


def abandon(resource: Any) -> None:
    """Never close a resource that a forked child got from its parent, not even at exit.

    Closing a lock or a log would take it from the parent; joining its threads would hang.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(resource))


class ForkSafeLock:
    """A lock that is free in a forked child, even if a thread of the parent held it.

    Args:
        reentrant: Whether the thread that holds the lock may acquire it again.
    """

    def __init__(self, *, reentrant: bool = False) -> None:
        self._make: Callable[[], Any] = threading.RLock if reentrant else threading.Lock
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock by a free one."""
        self._lock = self._make()

    def acquire(self, timeout: float = -1) -> bool:
        """Acquire the lock. Return False after `timeout` seconds; -1 waits without limit."""
        acquired: bool = self._lock.acquire(timeout=timeout)
        return acquired

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()


class block_forks:  # noqa: N801 - used as a function; a generator would cost more per row
    """Delay forks by other threads while the block runs.

    For calls of libraries with process-wide locks of their own, such as SQLite: a child forked
    within such a call would inherit a held lock and hang. Blocks should take less than
    `_FORK_TIMEOUT` and may be nested.
    """

    def __enter__(self) -> None:
        thread = _blocks[self] = threading.get_ident()
        while _forking_thread not in (None, thread) and list(_blocks.values()).count(thread) == 1:
            del _blocks[self]
            with _fork_lock:
                _blocks[self] = thread

    def __exit__(self, *exc_info: object) -> None:
        _blocks.pop(self, None)  # Already gone in a child that was forked within the block.


_blocks: dict[block_forks, int] = {}
_forking_thread: int | None = None
_fork_lock = threading.Lock()


def _before_fork() -> None:
    global _forking_thread
    _fork_lock.acquire()
    _forking_thread = threading.get_ident()
    deadline = time.monotonic() + _FORK_TIMEOUT
    while {*_blocks.values()} - {_forking_thread} and time.monotonic() < deadline:
        time.sleep(0.0005)


def _after_fork_in_parent() -> None:
    global _forking_thread
    _forking_thread = None
    _fork_lock.release()


def _after_fork_in_child() -> None:
    global _forking_thread, _fork_lock
    _forking_thread, _fork_lock = None, threading.Lock()
    _blocks.clear()
    for resource in list(_fork_aware):
        resource.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )

"""Small helpers that belong to no one folder."""

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

_PATIENCE = 5.0
"""Seconds that a fork waits: a call that takes longer waits for another process, or a disk."""


class Closing(ABC):
    """Base of what is its own context manager, and is closed by it."""

    @abstractmethod
    def close(self) -> None:
        """Give what is held open free."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


_Item = TypeVar("_Item")


def chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Cut an iterable in lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def counted(number: int, noun: str, plural: str = "") -> str:
    """How many of something there are, in good grammar: `1 article`, `2 articles`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_rust_panic(err: BaseException) -> bool:
    """Whether an extension in Rust panicked, as on a damaged file: no Exception, nor public."""
    return type(err).__name__ == "PanicException"


class Forked(Protocol):
    """What cannot be used in a forked child as its parent left it."""

    def after_fork(self) -> None:
        """Forget threads, locks and connections; called in the child, alone."""


_forked: WeakSet[Forked] = WeakSet()


def renew_after_fork(thing: Forked) -> None:
    """Have `after_fork` of a thing called in each forked child, for as long as it lives."""
    _forked.add(thing)


def abandon(thing: Any) -> None:
    """Keep what a child has of its parent from ever being closed, even as the interpreter ends.

    To close a lock or a log would take it from the parent; to end threads would wait for ever.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


class ForkSafeLock:
    """A lock that is free in a forked child, whoever held it in the parent.

    Args:
        reentrant: Whether the thread that holds it may take it again.
    """

    def __init__(self, *, reentrant: bool = False) -> None:
        self._make: Callable[[], Any] = threading.RLock if reentrant else threading.Lock
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget who held it."""
        self._lock = self._make()

    def acquire(self, timeout: float = -1) -> bool:
        """Take it; False if it was not to be had within some seconds."""
        taken: bool = self._lock.acquire(timeout=timeout)
        return taken

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()


class forks_wait:  # noqa: N801 - used as a function; a generator would cost more a row
    """Holds back forks by other threads, for as long as its block runs.

    For calls of libraries that guard what the whole process shares by locks of their own, as SQLite
    does: a child forked within one would have that lock held, and wait for it for ever. Blocks
    should take less than `_PATIENCE`, and may be nested.
    """

    def __enter__(self) -> None:
        me = _calls[self] = threading.get_ident()
        while _forker not in (None, me) and list(_calls.values()).count(me) == 1:
            del _calls[self]
            with _forking:
                _calls[self] = me

    def __exit__(self, *exc_info: object) -> None:
        _calls.pop(self, None)  # It is gone in a child that was forked within the block.


_calls: dict[forks_wait, int] = {}
_forker: int | None = None
_forking = threading.Lock()


def _before_fork() -> None:
    global _forker
    _forking.acquire()
    _forker = threading.get_ident()
    ends = time.monotonic() + _PATIENCE
    while {*_calls.values()} - {_forker} and time.monotonic() < ends:
        time.sleep(0.0005)


def _after_fork_in_parent() -> None:
    global _forker
    _forker = None
    _forking.release()


def _after_fork_in_child() -> None:
    global _forker, _forking
    _forker, _forking = None, threading.Lock()
    _calls.clear()
    for thing in list(_forked):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )

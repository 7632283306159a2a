"""Work that nobody waits for any more: told to its thread, which looks now and then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar

_given_up: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)


@contextmanager
def cancellable(given_up: threading.Event) -> Iterator[None]:
    """Let what runs in the block, and in workers started from it, be ended by an event."""
    token = _given_up.set(given_up)
    try:
        yield
    finally:
        _given_up.reset(token)


def check_cancelled() -> None:
    """Raise `concurrent.futures.CancelledError` if nobody waits for this work any more."""
    given_up = _given_up.get()
    if given_up is not None and given_up.is_set():
        raise CancelledError


def wait_unless_cancelled(seconds: float) -> None:
    """Wait, or raise `concurrent.futures.CancelledError` as soon as nobody waits for this work."""
    (_given_up.get() or threading.Event()).wait(max(0.0, seconds))
    check_cancelled()

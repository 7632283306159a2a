"""Cancellation of running work. Long loops call `check_cancelled` from time to time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar

_cancelled: ContextVar[threading.Event | None] = ContextVar("cancelled", default=None)


@contextmanager
def cancellable(cancelled: threading.Event) -> Iterator[None]:
    """Cancel the work of the block, and of workers started in it, once the event is set."""
    token = _cancelled.set(cancelled)
    try:
        yield
    finally:
        _cancelled.reset(token)


def check_cancelled() -> None:
    """Raise `concurrent.futures.CancelledError` if the current work is cancelled."""
    cancelled = _cancelled.get()
    if cancelled is not None and cancelled.is_set():
        raise CancelledError


def wait_unless_cancelled(seconds: float) -> None:
    """Sleep, but raise `concurrent.futures.CancelledError` as soon as the work is cancelled."""
    (_cancelled.get() or threading.Event()).wait(max(0.0, seconds))
    check_cancelled()

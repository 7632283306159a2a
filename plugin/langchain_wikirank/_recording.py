"""Lets a caller see the full results of the searches that ran below it, timings included.

A retriever returns documents only; this is how the tool reads the timings of its own call while
the retriever still runs as a traced child run, even within another retriever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wikirank.search import SearchResult

_record: ContextVar[list[SearchResult] | None] = ContextVar("searches", default=None)


@contextmanager
def recorded_searches() -> Iterator[list[SearchResult]]:
    """Collect the result of each search that runs in this context."""
    results: list[SearchResult] = []
    token = _record.set(results)
    try:
        yield results
    finally:
        _record.reset(token)


def record_search(result: SearchResult) -> None:
    """Hand a result to whoever collects; worker threads see the list through their context."""
    results = _record.get()
    if results is not None:
        results.append(result)

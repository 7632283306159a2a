"""The steps of a search, their timings, and observers such as a tracer or a progress bar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, TypeAlias

from wikirank.search.options import Retrieved, SearchOptions, SearchResult


class StageClock:
    """Times the stages of one piece of work.

    Args:
        timings: Timings of an earlier part of the work, from `timings()`, to add to.
    """

    def __init__(self, timings: Mapping[str, float] | None = None) -> None:
        self._started = perf_counter()
        self._stages = dict(timings or {})
        self._before = self._stages.pop("total", 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block of a `with` statement."""
        started = perf_counter()
        yield
        self._stages[name] = (perf_counter() - started) * 1000

    def timings(self) -> dict[str, float]:
        """Return milliseconds by stage, and `total` since the start."""
        elapsed = (perf_counter() - self._started) * 1000
        return {**self._stages, "total": self._before + elapsed}


@dataclass
class SearchStep:
    """One step of a search.

    Attributes:
        name: `retrieve`, then `rerank`, or `cut` if nothing is reranked.
        query: The query.
        options: How to search.
        run: Runs the step.
        arun: Runs the step without blocking the event loop; None means `run` in a thread.
        retrieved: The outcome of the first step; None for the first step itself.
        model: Name of the model that reranks; empty if none does.
        outcome: A `Retrieved` or `SearchResult`, once the step has ended.
    """

    name: Literal["retrieve", "rerank", "cut"]
    query: str
    options: SearchOptions
    run: Callable[[], Retrieved | SearchResult]
    arun: Callable[[], Awaitable[SearchResult]] | None = None
    retrieved: Retrieved | None = None
    model: str = ""
    outcome: Any = None

    @property
    def timings(self) -> dict[str, float]:
        """Milliseconds by stage of this step; the first step also has `total`."""
        before = self.retrieved.timings if self.retrieved else {}
        return {name: ms for name, ms in self.outcome.timings.items() if name not in before}


Observer: TypeAlias = Callable[[SearchStep], AbstractContextManager[None]]
"""Returns a context manager to run a step in; it sees the step begin, end and fail."""
AsyncObserver: TypeAlias = Callable[[SearchStep], AbstractAsyncContextManager[None]]
"""Like `Observer`, for steps that are awaited."""


def run_steps(steps: Iterator[SearchStep], observer: Observer | None = None) -> SearchResult:
    """Run the steps of a search.

    Args:
        steps: The steps, from `CandidateReranker.steps`.
        observer: Called with each step before it runs.

    Returns:
        The outcome of the last step.
    """
    for step in steps:
        with observer(step) if observer else nullcontext():
            step.outcome = step.run()
    result: SearchResult = step.outcome
    return result


async def arun_steps(
    steps: Iterator[SearchStep],
    observer: AsyncObserver,
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
) -> SearchResult:
    """Run the steps of a search without blocking the event loop; see `run_steps`.

    Args:
        steps: The steps, from `CandidateReranker.steps`.
        observer: Called with each step before it runs.
        in_thread: Runs a blocking function, such as `asyncio.to_thread`.

    Returns:
        The outcome of the last step.
    """
    for step in steps:
        async with observer(step):
            step.outcome = await (step.arun() if step.arun else in_thread(step.run))
    result: SearchResult = step.outcome
    return result

"""How long each stage of a search takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter


class StageClock:
    """Times the stages of one piece of work.

    Args:
        timings: Those of an earlier part of the work, as from `timings()`, to go on from.
    """

    def __init__(self, timings: Mapping[str, float] | None = None) -> None:
        self._started = perf_counter()
        self._stages = dict(timings or {})
        self._before = self._stages.pop("total", 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens within a `with` statement, under a name."""
        started = perf_counter()
        yield
        self._stages[name] = (perf_counter() - started) * 1000

    def timings(self) -> dict[str, float]:
        """Milliseconds by stage, and `total` since the start."""
        elapsed = (perf_counter() - self._started) * 1000
        return {**self._stages, "total": self._before + elapsed}

"""Shared parts of the speed benchmarks: percentiles, turns, concurrent clients, tables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations of one repeated action.

    Attributes:
        seconds: Durations, at least one.
    """

    seconds: Sequence[float]

    @property
    def p50(self) -> float:
        """Return the median, in milliseconds."""
        return 1000 * float(np.percentile(self.seconds, 50))

    @property
    def p95(self) -> float:
        """Return the 95th percentile, in milliseconds."""
        return 1000 * float(np.percentile(self.seconds, 95))

    def cell(self) -> str:
        """Return both percentiles, as a table cell."""
        return f"{rounded(self.p50)} / {rounded(self.p95)}"


def rounded(value: float) -> str:
    """Format a number for a table: with three digits if it is below ten, otherwise whole."""
    return f"{value:.3g}" if value < 10 else f"{value:.0f}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; each row has as many cells as the header."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ask_from_threads(
    open_client: Callable[[], Callable[[str], object]], questions: Sequence[str], clients: int
) -> dict[str, Any]:
    """Ask questions from several threads at once; a free thread takes the next question.

    Args:
        open_client: Called once per thread; returns a function that asks a question.
        questions: All questions.
        clients: Number of threads.

    Returns:
        `latencies` in seconds of the answered questions, `failed`, the number of the others, the
        first `failure`, and the total `seconds`.
    """
    remaining = iter(questions)
    lock = threading.Lock()
    latencies: list[float] = []
    failures: list[str] = []

    def work() -> None:
        ask = open_client()
        while True:
            with lock:
                question = next(remaining, None)
            if question is None:
                return
            started = perf_counter()
            try:
                ask(question)
            except Exception as err:
                failures.append(f"{type(err).__name__}: {err}")
            else:
                latencies.append(perf_counter() - started)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    started = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "latencies": latencies,
        "failed": len(failures),
        "failure": failures[0] if failures else "",
        "seconds": perf_counter() - started,
    }


def alternate(
    contestants: Sequence[str], rounds: int, run: Callable[[str, int], None], *, pause: float = 0.0
) -> None:
    """Let contestants take turns, so that other load on the machine affects all alike.

    Args:
        contestants: Names of the contestants. Each round starts with another one.
        rounds: Number of turns per contestant.
        run: Called with a name and the number of the round.
        pause: Seconds before each turn, in which the threads of the last contestant go to sleep.
    """
    for number in range(rounds):
        first = number % len(contestants)
        for name in (*contestants[first:], *contestants[:first]):
            sleep(pause)
            run(name, number)

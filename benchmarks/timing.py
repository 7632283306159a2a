"""What the benchmarks of speed share: percentiles, turns, many clients at once, the table."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Timings:
    """Times of one thing done again and again.

    Attributes:
        seconds: Of each time, at least one.
    """

    seconds: Sequence[float]

    @property
    def p50(self) -> float:
        """The median, in milliseconds."""
        return 1000 * float(np.percentile(self.seconds, 50))

    @property
    def p95(self) -> float:
        """What 95 of 100 times stay below, in milliseconds."""
        return 1000 * float(np.percentile(self.seconds, 95))

    def cell(self) -> str:
        """Both, for a table."""
        return f"{rounded(self.p50)} / {rounded(self.p95)}"


def rounded(value: float) -> str:
    """A number for a table: whole, or with three digits if it is below ten."""
    return f"{value:.3g}" if value < 10 else f"{value:.0f}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    Args:
        header: Names of the columns.
        rows: As many cells each.

    Returns:
        Its lines.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ask_from_threads(
    open_client: Callable[[], Callable[[str], object]], questions: Sequence[str], clients: int
) -> dict[str, Any]:
    """Ask questions from several threads at once, each thread the next one that is left.

    Args:
        open_client: Called by each thread for what asks a question.
        questions: All of them.
        clients: How many threads.

    Returns:
        `latencies` in seconds of the questions that were answered, `failed`, the number of others,
        the first `failure`, and the `seconds` that it all took.
    """
    left = iter(questions)
    lock = threading.Lock()
    latencies: list[float] = []
    failures: list[str] = []

    def work() -> None:
        ask = open_client()
        while True:
            with lock:
                question = next(left, None)
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
    """Let contestants take turns, so that whatever else the machine does meets all alike.

    Args:
        contestants: Their names. Each round begins with the next one.
        rounds: How many turns each has.
        run: Takes a name and the number of the round.
        pause: Seconds before each turn, in which the threads of the last one go to sleep.
    """
    for number in range(rounds):
        first = number % len(contestants)
        for name in (*contestants[first:], *contestants[:first]):
            sleep(pause)
            run(name, number)

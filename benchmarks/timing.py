"""What the benchmarks of speed share: percentiles, memory, the machine, the table."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
_POLL_SECONDS = 0.005


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
        return 1000 * percentile(self.seconds, 50)

    @property
    def p95(self) -> float:
        """What 95 of 100 times stay below, in milliseconds."""
        return 1000 * percentile(self.seconds, 95)

    def cell(self) -> str:
        """Both, for a table."""
        return (
            f"{self.p50:.3g} / {self.p95:.3g}"
            if self.p50 < 10
            else f"{self.p50:.0f} / {self.p95:.0f}"
        )


def percentile(values: Sequence[float], share: float) -> float:
    """A percentile, linear between the two nearest values.

    Args:
        values: At least one.
        share: In [0, 100].

    Returns:
        The percentile.
    """
    ordered = sorted(values)
    place = (len(ordered) - 1) * share / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def peak_memory_mb() -> float:
    """The most memory that this process has held at once, in MB.

    `ru_maxrss` alone will not do: on Linux a child begins with its parent's.
    """
    kilobytes = _status_kilobytes("self", "VmHWM")
    if kilobytes is not None:
        return kilobytes / 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 1024


def timed_process(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a command to its end.

    Args:
        command: What to run; it must succeed.
        environment: Its environment variables.

    Returns:
        Seconds from start to end, and the most memory held, in MB; NaN where there is no `/proc`.

    Raises:
        CalledProcessError: It failed.
    """
    started = perf_counter()
    process = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    peaks: list[float] = []
    watch = threading.Thread(target=_watch_memory, args=(process, peaks))
    watch.start()
    output, errors = process.communicate()
    seconds = perf_counter() - started
    watch.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), output, errors)
    return seconds, max(peaks, default=float("nan"))


def _watch_memory(process: subprocess.Popen[str], peaks: list[float]) -> None:
    while process.returncode is None:
        kilobytes = _status_kilobytes(str(process.pid), "VmHWM")
        if kilobytes is not None:
            peaks.append(kilobytes / 1024)
        sleep(_POLL_SECONDS)


def _status_kilobytes(process: str, field: str) -> int | None:
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), None)


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> str:
    """The processor, its instructions that matter here, cores and Python, in one line."""
    model, flags = _processor()
    known = ", ".join(flag for flag in _INSTRUCTIONS if flag in flags)
    processor = f"{model} ({known})" if known else model
    return f"{processor}, {usable_cores()} cores, Python {platform.python_version()}"


def _processor() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine(), set()
    fields = {name.strip(): value.strip() for name, _, value in (s.partition(":") for s in lines)}
    return fields.get("model name", platform.machine()), set(fields.get("flags", "").split())


def loaded_versions(names: Sequence[str]) -> dict[str, str]:
    """Versions of packages that this process has imported.

    Args:
        names: Import names that are also, but for `-` and `_`, names of distributions.

    Returns:
        Name to version, of those that are loaded.
    """
    found = {}
    for name in names:
        if name in sys.modules:
            try:
                found[name.replace("_", "-")] = version(name)
            except PackageNotFoundError:
                continue
    return found


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

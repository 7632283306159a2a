"""The machine that a benchmark runs on, and the memory that processes use."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
_POLL_SECONDS = 0.005


def peak_memory_mb() -> float:
    """Return the peak memory of this process, in MB.

    `ru_maxrss` alone is not enough: on Linux a child process inherits its parent's value.
    """
    kilobytes = _status_kilobytes("self", "VmHWM")
    if kilobytes is not None:
        return kilobytes / 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 1024


def timed_process(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a command until it ends.

    Args:
        command: Program and arguments.
        environment: All environment variables of the process.

    Returns:
        Seconds from start to end, and the peak memory in MB (NaN without `/proc`).

    Raises:
        CalledProcessError: If the command fails.
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


class TreePeak:
    """Peak memory of a process and its descendants while the block runs, in MB.

    Shared pages count once. Zero without `/proc`, and if the process has no descendants: it then
    knows its own peak better than this class, which only polls.

    Args:
        pid: Id of the process.
    """

    def __init__(self, pid: int) -> None:
        self.mb = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._poll)

    def __enter__(self) -> TreePeak:
        self._watch.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._watch.join()

    def _poll(self) -> None:
        while not self._ended.wait(10 * _POLL_SECONDS):
            tree = list(_descendants(self._pid))
            if tree:
                shares = [
                    _proc_kilobytes(f"{p}/smaps_rollup", "Pss") or 0 for p in (self._pid, *tree)
                ]
                self.mb = max(self.mb, sum(shares) / 1024)


def _descendants(pid: int) -> Iterator[int]:
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = file.read_text("utf-8").split()
        except OSError:  # It has ended in the meantime.
            continue
        for child in map(int, children):
            yield child
            yield from _descendants(child)


def _status_kilobytes(process: str, field: str) -> int | None:
    return _proc_kilobytes(f"{process}/status", field)


def _proc_kilobytes(file: str, field: str) -> int | None:
    try:
        lines = Path(f"/proc/{file}").read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), None)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> str:
    """Describe in one line: processor, relevant instruction sets, cores, Python version."""
    model, flags = _processor()
    known = ", ".join(flag for flag in _INSTRUCTIONS if flag in flags)
    processor = f"{model} ({known})" if known else model
    return f"{processor}, {usable_cores()} cores, Python {platform.python_version()}"


def print_result(table: str, rows: Any, *, as_json: bool) -> None:
    """Print the measurements and the machine.

    Args:
        table: The rows as a Markdown table.
        rows: The rows as plain values or dataclasses.
        as_json: Whether to print the rows as JSON instead of the table.
    """
    if as_json:
        print(json.dumps({"machine": machine(), "rows": rows}, default=asdict))
    else:
        print(f"{table}\n\n{machine()}")


def _processor() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine(), set()
    fields = {name.strip(): value.strip() for name, _, value in (s.partition(":") for s in lines)}
    return fields.get("model name", platform.machine()), set(fields.get("flags", "").split())


def loaded_versions(names: Sequence[str]) -> dict[str, str]:
    """Return the versions of packages that this process has imported.

    Args:
        names: Import names that equal the names of distributions, except for `-` and `_`.

    Returns:
        Version by name, for imported packages only.
    """
    versions = {}
    for name in names:
        if name in sys.modules:
            try:
                versions[name.replace("_", "-")] = version(name)
            except PackageNotFoundError:
                continue
    return versions

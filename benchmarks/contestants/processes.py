"""Contestants, each in its own process, which is asked over standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from machine import usable_cores

_BENCHMARKS = Path(__file__).resolve().parents[1]
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_LAST_WORDS = 4000


class ContestantError(RuntimeError):
    """A contestant failed; the message is its error output."""


class ContestantProcess:
    """A contestant in a separate process, so that its memory can be measured.

    Args:
        target: `module:function`, see `contestants.serve`.
        arguments: Arguments of the function.
        python: Interpreter of the contestant's environment; None for the current one.

    Raises:
        ContestantError: If it could not be loaded.
    """

    def __init__(
        self, target: str, arguments: Mapping[str, Any], *, python: str | None = None
    ) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        command = [python or sys.executable, "-m", "contestants.serve", target]
        self._process = subprocess.Popen(
            [*command, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=child_environment(own=python is None),
        )
        try:
            self.loaded = self._read()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and return the reply.

        Args:
            **request: Fields of the request.

        Returns:
            The reply, with `seconds` and `peak_mb`.

        Raises:
            ContestantError: If it failed or has ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # Reading the reply reports the error.
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            message = self._errors.read()[-_LAST_WORDS:]
            msg = f"ended with status {self._process.returncode}: {message}"
            raise ContestantError(msg)
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise ContestantError(reply["error"])
        return reply

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> ContestantProcess:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def child_environment(*, own: bool) -> dict[str, str]:
    """Return a contestant's environment variables: all cores, no hub, this folder on the path.

    Args:
        own: Whether it runs in the current environment and can import all that this process can.

    Returns:
        Values by name.
    """
    threads = dict.fromkeys(_THREADS, str(usable_cores()))
    inherited = os.environ.get("PYTHONPATH", "") if own else ""
    path = os.pathsep.join(part for part in (str(_BENCHMARKS), inherited) if part)
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONPATH": path}
    return {**os.environ, **threads, **offline}


@contextmanager
def closing_all(running: Mapping[str, ContestantProcess]) -> Iterator[None]:
    """End all processes when the block ends, including those added within it."""
    try:
        yield
    finally:
        for process in running.values():
            process.close()

"""The child process that is connected to a Ray cluster, as its parent sees it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, cast

from wikirank._util import Closing
from wikirank.cluster.groups import PreparedGroup
from wikirank.cluster.pipeline import Request
from wikirank.errors import ClusterError

_LONGEST_GOODBYE = 10  # seconds
_LAST_WORDS = 2**16  # bytes; Ray repeats the end of its node's log
_NODE_IS_DEAD = "Ray's node on this machine is dead"
# What Ray prints when it ends a process of its own accord, and what that means.
_CAUSES = {
    "Failed to connect to GCS": "Ray's head does not answer",
    "Raylet is dead": _NODE_IS_DEAD,
    "Raylet is terminated": _NODE_IS_DEAD,
}


class DriverProcess(Closing):
    """A process that runs `wikirank.cluster.driver`; a context manager that ends it.

    It gets no Ctrl-C of a terminal: this process does, and ends it.
    """

    def __init__(self) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wikirank.cluster.driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env=_environment(),
            start_new_session=True,
        )
        self._requests = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)

    def answers(self, request: Request) -> Iterator[PreparedGroup]:
        """Have a source made ready.

        Args:
            request: What to do.

        Yields:
            Its articles, in its order; an error of ours is the last group's `fault`.

        Raises:
            ClusterError: If the process ended.
        """
        message = pickle.dumps(request)
        try:
            self._requests.write(message)
            self._requests.flush()
            while group := pickle.load(self._answers):
                yield group
        except (EOFError, pickle.UnpicklingError, BrokenPipeError) as err:
            raise ClusterError(self._obituary()) from err

    def _obituary(self) -> str:
        self._await_end()
        return (
            f"The connection to the Ray cluster is lost ({self._cause()}). What was written is "
            "kept. Start the cluster again (`ray start --head`, then the other nodes; RAY_ADDRESS "
            "names it), and run the same again: it goes on from there."
        )

    def _cause(self) -> str:
        words = self._last_words()
        for sign, cause in _CAUSES.items():
            if sign in words:
                return cause
        if self._process.returncode == 1 and "Traceback" not in words:
            return _NODE_IS_DEAD  # With its object store gone, Ray ends without a word.
        return words.strip().rpartition("\n")[2] or f"status {self._process.returncode}"

    def _last_words(self) -> str:
        self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, self._words.tell() - _LAST_WORDS))
        return self._words.read().decode(errors="replace")

    def close(self) -> None:
        """End it: at once if it is at work, which stops its work on the cluster."""
        with suppress(BrokenPipeError):
            self._requests.close()
        self._await_end()
        self._answers.close()
        self._words.close()

    def _await_end(self) -> None:
        try:
            self._process.wait(_LONGEST_GOODBYE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    # Ray reports usage to its makers unless told not to; a library must not.
    usage = {"RAY_USAGE_STATS_ENABLED": "0"}
    # The same modules as here, and none that happens to lie in the current folder.
    path = os.pathsep.join(filter(None, sys.path))
    return {**usage, **os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}

"""Start and use the child process that is connected to a Ray cluster."""

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

_SECONDS_TO_END = 10
_LOG_TAIL_BYTES = 2**16  # Ray prints the end of its node's log
_NODE_IS_DEAD = "Ray's node on this machine is dead"
# Messages that Ray prints when it ends a process, and their meaning.
_CAUSES = {
    "Failed to connect to GCS": "Ray's head does not answer",
    "Raylet is dead": _NODE_IS_DEAD,
    "Raylet is terminated": _NODE_IS_DEAD,
}


class DriverProcess(Closing):
    """A process that runs `wikirank.cluster.driver`; a context manager that ends it.

    Ctrl-C in a terminal does not reach it. It reaches this process, which then ends the other.
    """

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wikirank.cluster.driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(),
            start_new_session=True,
        )
        self._requests = cast("BinaryIO", self._process.stdin)
        self._output = cast("BinaryIO", self._process.stdout)

    def prepare_groups(self, request: Request) -> Iterator[PreparedGroup]:
        """Prepare a source on the cluster.

        Args:
            request: The source and how to prepare it.

        Yields:
            The articles in source order. A `WikirankError` is the `fault` of the last group.

        Raises:
            ClusterError: If the process has ended.
        """
        message = pickle.dumps(request)
        try:
            self._requests.write(message)
            self._requests.flush()
            while group := pickle.load(self._output):
                yield group
        except (EOFError, pickle.UnpicklingError, BrokenPipeError) as err:
            raise ClusterError(self._describe_end()) from err

    def _describe_end(self) -> str:
        self._wait_for_end()
        return (
            f"The connection to the Ray cluster is lost ({self._cause()}). Everything written so "
            "far is kept. Start the cluster again (`ray start --head`, then the other nodes; "
            "RAY_ADDRESS names it), and run the same command again to continue."
        )

    def _cause(self) -> str:
        log = self._read_log_tail()
        for message, cause in _CAUSES.items():
            if message in log:
                return cause
        if self._process.returncode == 1 and "Traceback" not in log:
            return _NODE_IS_DEAD  # Ray ends without a message if its object store is gone.
        return log.strip().rpartition("\n")[2] or f"status {self._process.returncode}"

    def _read_log_tail(self) -> str:
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _LOG_TAIL_BYTES))
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        """End the process. If it is busy, its work on the cluster stops at once."""
        with suppress(BrokenPipeError):
            self._requests.close()
        self._wait_for_end()
        self._output.close()
        self._log.close()

    def _wait_for_end(self) -> None:
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    # By default, Ray reports usage statistics to its makers; a library must not.
    usage = {"RAY_USAGE_STATS_ENABLED": "0"}
    # Import the same modules as this process, and none from the current folder.
    path = os.pathsep.join(filter(None, sys.path))
    return {**usage, **os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}

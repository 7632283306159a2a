"""One process that makes articles, as its starter sees it.

A plain child on pipes, not one of `multiprocessing`: that would import the caller's main module in
it, so that a script without `if __name__ == "__main__"` would run once more. It gets no Ctrl-C from
the terminal, and ends when its input does: it does not outlive its starter, even one that was
killed.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO, Any, cast

from wikirank.corpus.sources.groups import ReadGroup
from wikirank.corpus.sources.maker_process import Answer
from wikirank.corpus.sources.parts import RawSource
from wikirank.errors import CorpusError
from wikirank.runtime.workers import THREADS_VARIABLE

_BOOTSTRAP = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from wikirank.corpus.sources.maker_process import serve; serve()"
)
_NEW_PROCESS_GROUP = 0x200  # as Windows numbers it
_APART: dict[str, Any] = (
    {"creationflags": _NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}
)


class Maker:
    """The process; to be used by one thread at a time, but for `kill`."""

    def __init__(self, source: RawSource) -> None:
        """Start it.

        Args:
            source: Whose articles it is to make.

        Raises:
            CorpusError: If the system starts no more processes.
        """
        self._location = source.location
        # Isolated: else a pickle.py in the current folder would be run.
        command = [sys.executable, "-I", "-c", _BOOTSTRAP]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, **_APART)
        except OSError as err:
            how = f"cannot be started: {err}"
            raise self._fault(how) from err
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        with suppress(OSError):  # If it is dead by now, the first group shows it.
            pickle.dump(sys.path, self._requests)
            pickle.dump(source.article, self._requests)
            self._requests.flush()

    def make(self, group: ReadGroup) -> Answer:
        """Make the articles of a group.

        Args:
            group: What they are made of.

        Returns:
            The articles, as far as they could be made.

        Raises:
            CorpusError: If the process died.
        """
        try:
            pickle.dump(group.items, self._requests, protocol=5)
            self._requests.flush()
            answer: Answer = pickle.load(self._answers)
        except (OSError, EOFError, pickle.UnpicklingError) as err:
            self.kill()
            how = f"ended: {_told(self._process.wait())}"
            raise self._fault(how) from err
        return answer

    def kill(self) -> None:
        """End it; whoever waits for its answer gets an error."""
        self._process.kill()

    def close(self) -> None:
        """Forget it, once it is killed."""
        self._process.wait()
        with suppress(OSError):  # There may be something left that it never took.
            self._requests.close()
        self._answers.close()

    def _fault(self, how: str) -> CorpusError:
        msg = (
            f"{self._location}: a process that makes articles of its pages {how}. "
            "What came before is kept. Run the same again, or set "
            f"{THREADS_VARIABLE}=1 to do without such processes."
        )
        return CorpusError(msg)


def _told(status: int) -> str:
    """How a process ended."""
    if status == -getattr(signal, "SIGKILL", 9):
        return "killed by SIGKILL, as where memory runs out"
    if status < 0:
        return f"killed by signal {-status}"
    return f"exit status {status}, see its error output"

"""Programs that parse articles in several processes leave none behind, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dump_files import dump, page
from raw_source import alive, parse_workers

from wikirank.runtime.workers import THREADS_VARIABLE

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
PATH = os.pathsep.join(sys.path)

# No `if __name__ == "__main__"`, as in a notebook or a short script.
SCRIPT = """
import sys
from wikirank.corpus import DumpSource
print("begun", flush=True)
for number, article in enumerate(DumpSource(sys.argv[1])):
    if number == 230:
        print("there", flush=True)
        sys.stdin.readline()
        break
"""


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a Python program with two threads in a new process group."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, THREADS_VARIABLE: "2", "PYTHONPATH": PATH, "COLUMNS": "200"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background makes them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


class TestPrograms:
    @pytest.fixture
    def running(self, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
        """A script at its 230th article, and the processes that parse the articles."""
        path = dump(tmp_path, *[page(f"P{n}", f"Text {n} of many. " * 700) for n in range(400)])
        script = tmp_path / "script.py"
        script.write_text(SCRIPT)
        with started(str(script), str(path)) as process:
            assert process.stdout is not None
            assert [process.stdout.readline() for _ in range(2)] == ["begun\n", "there\n"]
            found = parse_workers(process.pid)
            assert len(found) == 2
            yield process, found

    def test_leaving_the_loop(self, running: tuple[subprocess.Popen[str], set[int]]) -> None:
        process, found = running
        output, errors = process.communicate("\n")
        assert (process.returncode, output, errors) == (0, "", "")
        assert not alive(found)

    def test_ctrl_c(self, running: tuple[subprocess.Popen[str], set[int]]) -> None:
        process, found = running
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGINT
        assert errors.count("Traceback") == 1  # The script's own.
        assert not alive(found)

    @pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
    def test_a_killed_starter(
        self, running: tuple[subprocess.Popen[str], set[int]], sent: signal.Signals
    ) -> None:
        process, found = running
        process.send_signal(sent)
        _, errors = process.communicate()
        assert (process.returncode, errors) == (-sent, "")
        assert not alive(found)


@pytest.mark.slow
def test_ctrl_c_while_the_command_line_indexes(tmp_path: Path) -> None:
    pages = [page(f"P{n}", f"Text {n}. <!-- {'x' * 2**14} -->") for n in range(1000)]
    index = str(tmp_path / "index")
    with started(
        "-m", "wikirank", "index", str(dump(tmp_path, *pages)), "--into", index
    ) as process:
        while len(found := parse_workers(process.pid)) < 2 and process.poll() is None:
            time.sleep(0.2)
        assert len(found) == 2
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Run the same command again to continue" in errors
    assert "Traceback" not in errors
    assert not alive(found)

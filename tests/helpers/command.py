"""Run the command `wikirank` as a user does, in a separate process.

The process is forked from one that has already imported our modules, because importing them takes
longer than most commands.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory

WIKIRANK = str(Path(sys.executable).with_name("wikirank"))
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["langchain_wikirank.cli", "wikirank.index", "wikirank.search"])


def run_command(
    *arguments: str,
    status: int = 0,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command; check its exit status, and that it prints no traceback."""
    with TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(given or "", encoding="utf-8")
        process = _SERVER.Process(
            target=_main,
            args=(arguments, streams, {**os.environ, **(environment or {})}, Path.cwd()),
        )
        process.start()
        process.join()
        output, errors = (stream.read_text(encoding="utf-8") for stream in streams[1:])
    assert process.exitcode == status, errors
    assert "Traceback" not in errors
    return subprocess.CompletedProcess(arguments, status, output, errors)


def run(*arguments: str, status: int = 0, given: str | None = None) -> str:
    """Run a command; return its standard output, or its standard error if it should fail."""
    done = run_command(*arguments, status=status, given=given)
    return " ".join(done.stderr.split()) if status else done.stdout


def run_in_process(work: Callable[..., object], *arguments: object) -> int | None:
    """Call a function in a separate process; return the exit code (negative if it was killed)."""
    process = _SERVER.Process(target=work, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def _main(
    arguments: tuple[str, ...], streams: list[Path], environment: dict[str, str], folder: Path
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(os.open(stream, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
    sys.stdin, sys.stdout, sys.stderr = (
        TextIOWrapper(os.fdopen(number, mode, closefd=False), encoding="utf-8")
        for number, mode in enumerate(("rb", "wb", "wb"))
    )
    sys.argv = ["wikirank", *arguments]
    from langchain_wikirank.cli import main

    main()

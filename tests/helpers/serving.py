"""Run the real command `wikirank serve` in a separate process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVE = (sys.executable, "-m", "wikirank", "serve", "--no-open", "--port", "0")


@contextmanager
def served(
    index: Path | None,
    *options: str,
    token: str | None = None,
    zim: Path | None = None,
    wiki: str = "",
) -> Iterator[str]:
    """Serve an index, a ZIM file, a wiki, or only the reranker; yields the address without token.

    Stops the server with Ctrl-C, as a user would.
    """
    what = ["--rerank-only"] if index is None else ["--index", str(index)]
    if zim is not None:
        what = ["--zim", str(zim)]
    if wiki:
        what = ["--wiki", wiki]
    process = subprocess.Popen(
        [*SERVE, *what, *options],
        env={**os.environ, "WIKIRANK_TOKEN": token} if token else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://"), process.communicate()[1]
        yield line.split()[0].partition("#")[0]
    except BaseException:
        process.kill()
        raise
    finally:
        process.send_signal(signal.SIGINT)
        errors = process.communicate()[1]
    assert process.returncode == 0, errors
    assert errors == ""

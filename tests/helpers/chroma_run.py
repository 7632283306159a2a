"""A real `chroma run` on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx


@contextmanager
def chroma_server(folder: Path, port: int = 0) -> Iterator[str]:
    """Run a Chroma server during the block; yields its address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    chroma = Path(sys.executable).with_name("chroma")
    command = [str(chroma), "run", "--host", "127.0.0.1", "--port", str(port), "--path"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, str(folder / "data")], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    while not _answers(url):
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.2)
    try:
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v2/heartbeat").status_code == 200
    except httpx.HTTPError:
        return False

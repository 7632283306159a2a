"""Run the real command `wikirank mcp` and connect the official client to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.client import ConnectMode
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

TOKEN = "a-token-for-tests-alone"
COMMAND = ("-m", "langchain_wikirank", "mcp")


def environment(token: str | None = None) -> dict[str, str]:
    """Return this process's environment, with or without a token."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WIKIRANK_M")}
    return {**kept, "WIKIRANK_MCP_TOKEN": token} if token else kept


def hear_ctrl_c() -> None:
    """Restore Ctrl-C in a new process; background jobs of a shell ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_mcp(*arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without input."""
    return subprocess.run(
        [sys.executable, *COMMAND, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(token),
        check=False,
    )


@dataclass(frozen=True)
class Running:
    """An HTTP server, its log so far, and the process."""

    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Address that the server logged."""
        return self.log.read_text("utf-8").split("MCP server at ")[1].split(";")[0]

    def headers(self, token: str = TOKEN) -> dict[str, str]:
        """Headers of a client that has the token."""
        return {"Authorization": f"Bearer {token}"}


@contextmanager
def http_server(log: Path, *arguments: str, token: str | None = TOKEN) -> Iterator[Running]:
    """Serve over HTTP on a free port; stop with Ctrl-C."""
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *COMMAND, "--transport", "http", "--port", "0", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment(token),
            preexec_fn=hear_ctrl_c,
        )
    try:
        while b"Ctrl-C ends it.\n" not in log.read_bytes():
            assert process.poll() is None, log.read_text("utf-8")
            time.sleep(0.1)
        yield Running(log, process)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        assert "Traceback" not in log.read_text("utf-8")
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def http_session(
    server: Running, token: str = TOKEN, mode: ConnectMode = "legacy"
) -> AsyncIterator[Client]:
    """Connect the official client over HTTP, with a session by default."""
    async with httpx2.AsyncClient(headers=server.headers(token), timeout=None) as client:
        transport = streamable_http_client(server.url, http_client=client)
        async with Client(transport, mode=mode) as session:
            yield session


def stdio_parameters(folder: Path, *arguments: str) -> StdioServerParameters:
    """Return the parameters that a client starts the server with."""
    return StdioServerParameters(
        command=sys.executable,
        args=[*COMMAND, "--index", str(folder), *arguments],
        env=environment(),
    )


@asynccontextmanager
async def stdio_session(
    folder: Path, *arguments: str, mode: ConnectMode = "auto"
) -> AsyncIterator[Client]:
    """Connect the official client over standard input and output."""
    async with Client(stdio_parameters(folder, *arguments), mode=mode) as session:
        yield session


def text_of(result: CallToolResult) -> str:
    """Return the only text of an answer."""
    (content,) = result.content
    assert content.type == "text"
    return content.text


async def search(session: Client, query: str, **arguments: Any) -> list[dict[str, Any]]:
    """Return the passages that `wiki_search` finds, as structured content."""
    result = await session.call_tool("wiki_search", {"query": query, **arguments})
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    documents: list[dict[str, Any]] = result.structured_content["documents"]
    return documents

"""The MCP server over standard input and output."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, BinaryIO, cast

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client over standard input and output, until it closes the input.

    While it runs, nothing else can write to standard output: it goes to standard error.

    Args:
        server: The server.
    """
    with _own_streams() as (requests, answers):
        # The transport wants a file, of which it only takes the lines.
        lines = cast("anyio.AsyncFile[str]", _lines(requests))
        out = anyio.wrap_file(TextIOWrapper(answers, encoding="utf-8", newline="\n"))
        async with stdio_server(lines, out) as (read, write):
            await server.run(read, write, server.create_initialization_options())


@contextmanager
def _own_streams() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The process's input and output for the protocol alone; what prints, prints to the error."""
    stdin, stdout = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    try:
        # Left open: at the end a thread still waits for a line of the first.
        yield os.fdopen(stdin, "rb"), os.fdopen(os.dup(stdout), "wb")
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


async def _lines(stream: BinaryIO) -> AsyncIterator[str]:
    """The lines of a stream, read in a thread that neither Ctrl-C nor the exit waits for."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with suppress(RuntimeError):  # The loop is closed: nobody listens.
            for line in stream:
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, b"")

    threading.Thread(target=read, name="mcp-stdin", daemon=True).start()
    while line := await queue.get():
        yield line.decode("utf-8", errors="replace")

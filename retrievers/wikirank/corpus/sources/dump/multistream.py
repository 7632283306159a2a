"""Decompress bzip2 files in parallel, one stream per thread.

Wikimedia's multistream dumps are a sequence of thousands of bzip2 streams of 100 pages each, which
Python's bz2 reads one after the other. Here each stream is found by its first ten bytes, so the
index file of the dump is not needed (reading it would decompress a gigabyte of titles). These ten
bytes may also occur within a stream, though hardly ever. This is noticed, because the stream before
has not ended then.
"""

from __future__ import annotations

import bz2
import re
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from wikirank.runtime.workers import thread_count

_STREAM_START = re.compile(rb"BZh[1-9]1AY&SY")  # stream header with its level, block signature
_READ_BYTES = 2**20
_MAX_PIECE = 2**22  # compressed bytes; longer streams are decompressed in several pieces
_MAX_AHEAD = 2**23  # decompressed bytes that one thread may hold in advance
_MAX_OUTPUT = 2**20  # bytes of one decompressed piece


def decompress_bz2(path: Path) -> Iterator[bytes]:
    """Decompress a bzip2 file of one or many streams.

    Args:
        path: The file.

    Yields:
        Pieces of at most 1 MiB.

    Raises:
        OSError: If the data is not bzip2 or is damaged.
        EOFError: If it ends within a stream.
    """
    threads = min(thread_count(), 8)
    pieces = _pieces(path)
    pending: deque[tuple[bytes, Future[_Ahead] | None]] = deque()
    current: bz2.BZ2Decompressor | None = None
    with ThreadPoolExecutor(threads, thread_name_prefix="wikirank-bz2") as pool:
        try:
            while True:
                while len(pending) <= threads and (piece := next(pieces, None)) is not None:
                    is_start = piece.startswith(b"BZh")
                    future = pool.submit(_decompress_ahead, piece) if is_start else None
                    pending.append((piece, future))
                if not pending:
                    break
                piece, future = pending.popleft()
                if current is not None:
                    current = yield from _decompress_rest(current, piece, None)
                elif future is not None:
                    ahead = future.result()
                    yield from filter(None, ahead.output)
                    current = yield from _decompress_rest(ahead.decompressor, b"", ahead.error)
                else:
                    _expect_padding(piece)
        finally:
            pool.shutdown(cancel_futures=True)
    if current is not None:
        msg = "the file ends within a bzip2 stream"
        raise EOFError(msg)


class _Ahead:
    """State of a stream whose first piece was decompressed by a thread.

    Attributes:
        decompressor: The decompressor, which may hold more input.
        output: The output so far.
        error: The error if the data is damaged.
    """

    def __init__(self) -> None:
        self.decompressor = bz2.BZ2Decompressor()
        self.output: list[bytes] = []
        self.error: OSError | None = None


def _decompress_ahead(piece: bytes) -> _Ahead:
    """Decompress the first piece of a stream, up to the memory limit."""
    ahead = _Ahead()
    size = 0
    try:
        while size < _MAX_AHEAD:
            output = ahead.decompressor.decompress(piece, _MAX_OUTPUT)
            piece = b""
            ahead.output.append(output)
            size += len(output)
            if ahead.decompressor.eof or (ahead.decompressor.needs_input and not output):
                break
    except OSError as err:
        ahead.error = err
    return ahead


def _decompress_rest(
    decompressor: bz2.BZ2Decompressor, piece: bytes, error: OSError | None
) -> Generator[bytes, None, bz2.BZ2Decompressor | None]:
    """Decompress the rest of a piece; return the decompressor if its stream has not ended."""
    if error is not None:
        raise error
    while True:
        while not decompressor.eof:
            output = decompressor.decompress(piece, _MAX_OUTPUT)
            piece = b""
            if output:
                yield output
            elif decompressor.needs_input:
                return decompressor
        piece = decompressor.unused_data
        if not piece.startswith(b"BZh"):
            _expect_padding(piece)
            return None
        decompressor = bz2.BZ2Decompressor()


def _expect_padding(data: bytes) -> None:
    if data.strip(b"\0"):
        msg = f"expected a bzip2 stream, got {data[:10]!r}"
        raise OSError(msg)


def _pieces(path: Path) -> Iterator[bytes]:
    """Cut a file where a stream seems to begin, and where a piece gets too long."""
    buffer = bytearray()
    searched = 1  # a piece does not end at its own beginning
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            buffer += block
            while match := _STREAM_START.search(buffer, searched):
                yield bytes(buffer[: match.start()])
                del buffer[: match.start()]
                searched = 1
            searched = max(len(buffer) - 9, 1)
            if len(buffer) > _MAX_PIECE:
                yield bytes(buffer[:searched])
                del buffer[:searched]
                searched = 0
    if buffer:
        yield bytes(buffer)

"""bzip2 files decompressed in parallel, one thread a stream.

Wikimedia's multistream dumps are thousands of bzip2 streams of 100 pages each, one after the
other. Python's bz2 reads them one by one. Here each is found by the ten bytes that a stream begins
with, so that the index beside the dump is not needed (to read it is to decompress a gigabyte of
titles). Those ten bytes may also occur within a stream, if hardly ever: what follows them is then
found to be no stream's beginning, because the stream before has not ended.
"""

from __future__ import annotations

import bz2
import re
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from wikirank.runtime.workers import thread_count

_BEGINNING = re.compile(rb"BZh[1-9]1AY&SY")  # a level, then the signature of a block
_READ = 2**20  # bytes read at once
_LONGEST = 2**22  # compressed bytes of one piece; longer streams are read piece by piece
_AHEAD = 2**23  # decompressed bytes that a thread may be ahead by
_OUTPUT = 2**20  # bytes given at once


def decompress_bz2(path: Path) -> Iterator[bytes]:
    """Decompress a bzip2 file of one stream or many.

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
    waiting: deque[tuple[bytes, Future[_Ahead] | None]] = deque()
    current: bz2.BZ2Decompressor | None = None
    with ThreadPoolExecutor(threads, thread_name_prefix="wikirank-bz2") as pool:
        try:
            while True:
                while len(waiting) <= threads and (piece := next(pieces, None)) is not None:
                    begins = piece.startswith(b"BZh")
                    waiting.append((piece, pool.submit(_ahead, piece) if begins else None))
                if not waiting:
                    break
                piece, future = waiting.popleft()
                if current is not None:
                    current = yield from _rest(current, piece, None)
                elif future is not None:
                    ahead = future.result()
                    yield from filter(None, ahead.output)
                    current = yield from _rest(ahead.decompressor, b"", ahead.error)
                else:
                    _refuse_unless_padding(piece)
        finally:
            pool.shutdown(cancel_futures=True)
    if current is not None:
        msg = "the file ends within a bzip2 stream"
        raise EOFError(msg)


class _Ahead:
    """What a thread made of a piece that begins a stream.

    Args:
        decompressor: Its decompressor.

    Attributes:
        output: What it gave, up to a bound.
        error: Why it stopped, if the data is damaged.
    """

    def __init__(self, decompressor: bz2.BZ2Decompressor) -> None:
        self.decompressor = decompressor
        self.output: list[bytes] = []
        self.error: OSError | None = None


def _ahead(piece: bytes) -> _Ahead:
    """Decompress a piece, as far as memory allows to be ahead."""
    ahead = _Ahead(bz2.BZ2Decompressor())
    made = 0
    try:
        while made < _AHEAD:
            output = ahead.decompressor.decompress(piece, _OUTPUT)
            piece = b""
            ahead.output.append(output)
            made += len(output)
            if ahead.decompressor.eof or (ahead.decompressor.needs_input and not output):
                break
    except OSError as err:
        ahead.error = err
    return ahead


def _rest(
    decompressor: bz2.BZ2Decompressor, piece: bytes, error: OSError | None
) -> Generator[bytes, None, bz2.BZ2Decompressor | None]:
    """Decompress what is left of a piece; returns the decompressor if its stream goes on."""
    if error is not None:
        raise error
    while True:
        while not decompressor.eof:
            output = decompressor.decompress(piece, _OUTPUT)
            piece = b""
            if output:
                yield output
            elif decompressor.needs_input:
                return decompressor
        piece = decompressor.unused_data
        if not piece.startswith(b"BZh"):
            _refuse_unless_padding(piece)
            return None
        decompressor = bz2.BZ2Decompressor()


def _refuse_unless_padding(data: bytes) -> None:
    if data.strip(b"\0"):
        msg = f"expected a bzip2 stream, got {data[:10]!r}"
        raise OSError(msg)


def _pieces(path: Path) -> Iterator[bytes]:
    """Cut a file where streams seem to begin, and where a stream gets too long."""
    buffer = bytearray()
    searched = 1  # a piece's own beginning does not end it
    with path.open("rb") as file:
        while block := file.read(_READ):
            buffer += block
            while (start := _next_beginning(buffer, searched)) is not None:
                yield bytes(buffer[:start])
                del buffer[:start]
                searched = 1
            searched = max(len(buffer) - 9, 1)
            if len(buffer) > _LONGEST:
                yield bytes(buffer[:searched])
                del buffer[:searched]
                searched = 0
    if buffer:
        yield bytes(buffer)


def _next_beginning(buffer: bytearray, start: int) -> int | None:
    """Where the next stream seems to begin."""
    match = _BEGINNING.search(buffer, start)
    return match.start() if match else None

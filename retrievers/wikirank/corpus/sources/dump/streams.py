"""Read and decompress files in constant memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from wikirank._extras import require_extra
from wikirank.corpus.sources.dump.multistream import decompress_bz2
from wikirank.corpus.sources.path_source import cannot_read, reject_bomb

DUMP_SUFFIXES = (".xml", ".xml.bz2", ".xml.gz", ".xml.zst")
_CHUNK = 2**20  # bytes


def check_packages(path: Path) -> None:
    """Check that the decompressor for a file is installed; MissingExtraError if not."""
    if path.name.lower().endswith(".zst"):
        require_extra("dumps", "a .zst dump", ["zstandard"])


def decompressed(path: Path) -> Iterator[bytes]:
    """Read a file, decompressed according to its suffix.

    Args:
        path: The file.

    Yields:
        Pieces of at most 1 MiB.

    Raises:
        CorpusError: If the file cannot be read or decompressed. The data before the fault is
            yielded first.
    """
    name = path.name.lower()
    decompressors = {".bz2": decompress_bz2, ".gz": _decompress_gzip, ".zst": _decompress_zstd}
    try:
        for suffix, decompress in decompressors.items():
            if name.endswith(suffix):
                yield from reject_bomb(decompress(path), path)
                return
        with path.open("rb") as stream:
            while piece := stream.read(_CHUNK):
                yield piece
    except (OSError, EOFError, zlib.error) as err:
        raise cannot_read(path, err) from err


def _decompress_gzip(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as stream:
        # read() would lose the data before a fault.
        while piece := stream.read1(_CHUNK):
            yield piece


def _decompress_zstd(path: Path) -> Iterator[bytes]:
    import zstandard

    # A frame may make us allocate its window: at most 128 MiB, the limit of the zstd command.
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**27)
    try:
        with (
            path.open("rb") as file,
            decompressor.stream_reader(file, read_across_frames=True) as stream,
        ):
            while piece := stream.read(_CHUNK):
                yield piece
    except zstandard.ZstdError as err:
        raise cannot_read(path, err) from err

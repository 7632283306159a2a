"""Base class of sources on disk, and helpers to read their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wikirank.errors import CorpusError, InvalidArgumentError

_MAX_NAMED = 1000  # skipped files
_HARMLESS_BYTES = 256 * 2**20  # decompressed
_MAX_RATIO = 500  # of decompressed to compressed bytes


class PathSource:
    """A source that is a file or a folder."""

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        """Open the source; its contents are read when it is iterated over.

        Args:
            path: The file or folder.
            name: Name of the source in the index; by default the name of the file or folder.

        Raises:
            CorpusError: If there is nothing at `path`.
            InvalidArgumentError: If `name` is empty.
        """
        self.path = Path(path).expanduser().resolve()
        if not self.path.exists():
            msg = f"Expected a file or folder of articles, but {self.path} does not exist."
            raise CorpusError(msg)
        self.name = source_name(name, default=self.path.name or str(self.path))
        self._is_named = name is not None
        self._skipped: Counter[str] = Counter()
        self._passed_over: list[str] = []

    @property
    def location(self) -> str:
        """The absolute path."""
        return str(self.path)

    @property
    def skipped(self) -> Mapping[str, int]:
        """Number of pages skipped by the last iteration, by reason."""
        return dict(self._skipped)

    @property
    def passed_over(self) -> Sequence[str]:
        """Names of the files skipped by the last iteration, each with the reason."""
        return tuple(self._passed_over)

    @property
    def is_named(self) -> bool:
        """Whether the user named the source: then it stays the same source at a new path."""
        return self._is_named

    def _begin_reading(self) -> None:
        self._skipped.clear()
        self._passed_over.clear()

    def _skip(self, reason: str, name: str) -> None:
        self._skipped[reason] += 1
        if len(self._passed_over) < _MAX_NAMED:
            self._passed_over.append(f"{name} ({reason})")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, name={self.name!r})"


def source_name(name: str | None, *, default: str) -> str:
    """Return the name, or the default for None; InvalidArgumentError if it is blank."""
    if name is None:
        return default
    if not name.strip():
        msg = f"Expected a source's name, got {name!r}. Leave it out to use {default!r}."
        raise InvalidArgumentError(msg)
    return name


def cannot_read(path: Path, reason: object) -> CorpusError:
    """Make the error for a file that cannot be read or decompressed."""
    msg = f"{path} cannot be read: {reason}"
    return CorpusError(msg)


def reject_bomb(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Pass on the pieces of a decompressed file unless it is a decompression bomb.

    Args:
        pieces: Output of a decompressor.
        path: The compressed file.

    Yields:
        The pieces.

    Raises:
        CorpusError: If they add up to over 500 times the file's size, and to over 256 MiB.
    """
    limit = max(_HARMLESS_BYTES, path.stat().st_size * _MAX_RATIO)
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            msg = f"it decompresses to over {_MAX_RATIO} times its size, which no dump does"
            raise cannot_read(path, msg)
        yield piece


def decode_utf8(data: bytes, *, path: Path, first_line: int = 1) -> str:
    """Decode UTF-8; an error names the line and the byte.

    Args:
        data: The bytes; a byte-order mark at the beginning is dropped.
        path: The file, for the message.
        first_line: Line number of the first byte, for the message.

    Returns:
        The text.

    Raises:
        CorpusError: If the bytes are not UTF-8.
    """
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as err:
        valid = data[: err.start]
        line = first_line + valid.count(b"\n")
        offset = err.start - (valid.rfind(b"\n") + 1)
        msg = (
            f"{path}:{line}: expected UTF-8, got byte 0x{data[err.start]:02x} at byte {offset + 1} "
            f"of the line ({err.reason}). Save the file as UTF-8."
        )
        raise CorpusError(msg) from err


def decode_any(data: bytes) -> str | None:
    """Decode a text file: UTF-8, UTF-16 with a byte-order mark, otherwise cp1252.

    Args:
        data: Content of the file.

    Returns:
        The text without a byte-order mark; None if the bytes are not text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(data, "utf-16")
    if b"\0" in data:
        return None
    text = _decoded(data, "utf-8-sig")
    return _decoded(data, "cp1252") if text is None else text


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None

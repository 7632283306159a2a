"""What every source on disk has: a path, a name, a location."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wikirank.errors import CorpusError, InvalidArgumentError

_MOST_NAMED = 1000  # files that are passed over
_HARMLESS = 256 * 2**20  # decompressed bytes
_MOST_TIMES = 500


class PathSource:
    """A source that is a file or a folder."""

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        """Name the source; its contents are read when it is iterated over.

        Args:
            path: The file or folder.
            name: What the index is to call it; by default the file's or folder's name.

        Raises:
            CorpusError: If there is nothing at `path`.
            InvalidArgumentError: If `name` is empty.
        """
        self.path = Path(path).expanduser().resolve()
        if not self.path.exists():
            msg = f"{self.path} does not exist: expected a file or folder of articles"
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
        """What the last reading passed over, by reason."""
        return dict(self._skipped)

    @property
    def passed_over(self) -> Sequence[str]:
        """Names of the files that the last reading passed over, each with the reason."""
        return tuple(self._passed_over)

    @property
    def is_named(self) -> bool:
        """Whether the user named the source: it is the same then wherever it lies."""
        return self._is_named

    def _begin_reading(self) -> None:
        self._skipped.clear()
        self._passed_over.clear()

    def _pass_over(self, reason: str, name: str) -> None:
        self._skipped[reason] += 1
        if len(self._passed_over) < _MOST_NAMED:
            self._passed_over.append(f"{name} ({reason})")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, name={self.name!r})"


def source_name(name: str | None, *, default: str) -> str:
    """Return the name given, or the default for None; a blank one raises InvalidArgumentError."""
    if name is None:
        return default
    if not name.strip():
        msg = f"a source's name must not be empty, got {name!r}: leave it out to call it {default}"
        raise InvalidArgumentError(msg)
    return name


def cannot_read(path: Path, reason: object) -> CorpusError:
    """Make the error for a file that the system or a decompressor refuses to read."""
    msg = f"{path} cannot be read: {reason}"
    return CorpusError(msg)


def not_a_bomb(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Pieces of a decompressed file, as long as they are no more than it can hold in earnest.

    Args:
        pieces: What a decompressor gives.
        path: The compressed file.

    Yields:
        The pieces.

    Raises:
        CorpusError: If they have over 500 times the file's size, and over 256 MiB.
    """
    most = max(_HARMLESS, path.stat().st_size * _MOST_TIMES)
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > most:
            msg = f"it decompresses to over {_MOST_TIMES} times its size, as no dump does"
            raise cannot_read(path, msg)
        yield piece


def decode_utf8(data: bytes, *, path: Path, first_line: int = 1) -> str:
    """Decode UTF-8; an error names the line and the byte.

    Args:
        data: The bytes; a byte-order mark at their beginning is dropped.
        path: The file they come from, for the message.
        first_line: Number of the line they begin with.

    Returns:
        The text.

    Raises:
        CorpusError: If the bytes are not UTF-8.
    """
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as err:
        good = data[: err.start]
        line = first_line + good.count(b"\n")
        offset = err.start - (good.rfind(b"\n") + 1)
        msg = (
            f"{path}:{line}: expected UTF-8, got byte 0x{data[err.start]:02x} at byte {offset + 1} "
            f"of the line ({err.reason}): save the file as UTF-8"
        )
        raise CorpusError(msg) from err


def decode_any(data: bytes) -> str | None:
    """Decode a text file: UTF-8, UTF-16 with a byte-order mark, else Windows' cp1252.

    Args:
        data: The bytes.

    Returns:
        The text without a byte-order mark; None for bytes that are no text.
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

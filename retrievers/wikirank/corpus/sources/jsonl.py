"""Read articles from JSON lines, plain or compressed with gzip."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from wikirank.corpus.sources.dump.streams import decompressed
from wikirank.corpus.sources.path_source import PathSource, decode_utf8
from wikirank.corpus.sources.record import article_from_record
from wikirank.errors import CorpusError
from wikirank.types import Article

_MAX_LINE = 256 * 2**20  # bytes
_MAX_REASON = 160  # characters
_MAX_FAILURES_IN_A_ROW = 10
_MAX_COUNTED = 32 * 2**20  # bytes on disk; a larger file takes too long to read twice
_BLANK = b" \t\r\n\xef\xbb\xbf"  # includes the byte-order mark
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonLinesSource(PathSource):
    """One JSON object a line with `title`, `text` and optionally `url` and `revision`.

    Blank lines are ignored. Other fields become metadata. The file is UTF-8, with or without a
    byte-order mark, and compressed if its name ends in `.gz`. An invalid line is skipped, counted
    and named; if it is the first line, or the tenth in a row, it raises CorpusError.
    """

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the file's order; CorpusError names the invalid line."""
        self._begin_reading()
        failures, has_read = 0, False
        for number, line in self._lines():
            try:
                article = self._article(line, number)
            except CorpusError as err:
                failures += 1
                if not has_read or failures == _MAX_FAILURES_IN_A_ROW:
                    raise
                self._skip("no article", self._shorten(err))
                continue
            failures, has_read = 0, True
            yield article

    def _article(self, line: bytes, number: int) -> Article:
        where = f"{self.path}:{number}"
        text = decode_utf8(line, path=self.path, first_line=number)
        return article_from_record(_parse(text, where), where)

    def _shorten(self, err: CorpusError) -> str:
        """Return a short message, with the file's name in place of its path."""
        return str(err).replace(str(self.path), self.path.name, 1)[:_MAX_REASON]

    def count(self) -> int | None:
        """Return the number of lines; None for a file of more than 32 MiB."""
        if self.path.stat().st_size > _MAX_COUNTED:
            return None
        return sum(1 for _ in self._lines())

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that are not blank, numbered from 1."""
        for number, line in enumerate(_split_lines(decompressed(self.path), self.path), 1):
            if line.strip(_BLANK):
                yield number, line


def _split_lines(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Yield the lines of a file; an endless line raises CorpusError before it fills the memory."""
    line_pieces: list[bytes] = []
    length = number = 0
    for piece in pieces:
        first, *more = piece.split(b"\n")
        line_pieces.append(first)
        length += len(first)
        if length > _MAX_LINE:
            msg = (
                f"{path}:{number + 1}: expected one JSON object a line, got a line of over "
                f"{_MAX_LINE // 2**20} MiB"
            )
            raise CorpusError(msg)
        for line in more:
            yield b"".join(line_pieces)
            line_pieces, length, number = [line], len(line), number + 1
    yield b"".join(line_pieces)


def _parse(line: str, where: str) -> dict[str, Any]:
    """Parse one line strictly: it must be possible to store it as UTF-8 and JSON again."""
    try:
        record = json.loads(line, parse_constant=_reject_constant)
        if _SURROGATE.search(line):
            json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as err:
        msg = f"{where}: expected text, got half of a surrogate pair, which UTF-8 cannot encode"
        raise CorpusError(msg) from err
    except (ValueError, RecursionError) as err:
        msg = f"{where}: expected one JSON object a line, got invalid JSON ({err})"
        raise CorpusError(msg) from err
    if not isinstance(record, dict):
        msg = f"{where}: expected one JSON object a line, got a {type(record).__name__}"
        raise CorpusError(msg)
    return record


def _reject_constant(name: str) -> NoReturn:
    """Reject NaN and Infinity, which Python's parser would accept."""
    msg = f"{name} is not a JSON value"
    raise ValueError(msg)

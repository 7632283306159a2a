"""Articles from JSON lines, plain or compressed with gzip."""

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

_LONGEST_LINE = 256 * 2**20  # bytes
_LONGEST_REASON = 160  # characters
_MOST_IN_A_ROW = 10
_COUNT_UP_TO = 32 * 2**20  # bytes on disk; a larger file takes too long to read twice
_BLANK = b" \t\r\n\xef\xbb\xbf"  # with the byte-order mark
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonLinesSource(PathSource):
    """One JSON object a line with `title`, `text` and optionally `url` and `revision`.

    Blank lines are skipped; fields of other names become metadata. The file is UTF-8, with or
    without a byte-order mark, and compressed if its name ends in `.gz`. A line that is no article
    is passed over, counted and named; the first, or the tenth in a row, ends the reading.
    """

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the file's order; CorpusError names the line that is wrong."""
        self._begin_reading()
        in_a_row, has_read = 0, False
        for number, line in self._lines():
            try:
                article = self._article(line, number)
            except CorpusError as err:
                in_a_row += 1
                if not has_read or in_a_row == _MOST_IN_A_ROW:
                    raise
                self._pass_over("no article", self._shown(err))
                continue
            in_a_row, has_read = 0, True
            yield article

    def _article(self, line: bytes, number: int) -> Article:
        where = f"{self.path}:{number}"
        text = decode_utf8(line, path=self.path, first_line=number)
        return article_from_record(_parse(text, where), where)

    def _shown(self, err: CorpusError) -> str:
        """An error as a name of what was passed over: with the file's name for its path."""
        return str(err).replace(str(self.path), self.path.name, 1)[:_LONGEST_REASON]

    def count(self) -> int | None:
        """Number of lines; None for a file of more than 32 MiB."""
        if self.path.stat().st_size > _COUNT_UP_TO:
            return None
        return sum(1 for _ in self._lines())

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are not blank, numbered from 1."""
        for number, line in enumerate(_split(decompressed(self.path), self.path), 1):
            if line.strip(_BLANK):
                yield number, line


def _split(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """The lines of a file, none longer than memory bears."""
    begun: list[bytes] = []
    length = number = 0
    for piece in pieces:
        first, *more = piece.split(b"\n")
        begun.append(first)
        length += len(first)
        if length > _LONGEST_LINE:
            msg = (
                f"{path}:{number + 1}: expected one JSON object a line, got a line of over "
                f"{_LONGEST_LINE // 2**20} MiB"
            )
            raise CorpusError(msg)
        for line in more:
            yield b"".join(begun)
            begun, length, number = [line], len(line), number + 1
    yield b"".join(begun)


def _parse(line: str, where: str) -> dict[str, Any]:
    """Parse one line strictly; what cannot be stored as UTF-8 and JSON again is an error."""
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
        if _SURROGATE.search(line):
            json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as err:
        msg = f"{where}: expected text, got half of a surrogate pair, which UTF-8 cannot hold"
        raise CorpusError(msg) from err
    except (ValueError, RecursionError) as err:
        msg = f"{where}: expected one JSON object a line, got invalid JSON ({err})"
        raise CorpusError(msg) from err
    if not isinstance(record, dict):
        msg = f"{where}: expected one JSON object a line, got a {type(record).__name__}"
        raise CorpusError(msg)
    return record


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is not a JSON value"
    raise ValueError(msg)

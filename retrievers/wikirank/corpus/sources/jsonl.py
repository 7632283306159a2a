"""Articles from JSON lines, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any, NoReturn

from wikirank.corpus.sources.path_source import PathSource, cannot_read, decode_utf8
from wikirank.corpus.sources.record import article_from_record
from wikirank.errors import CorpusError
from wikirank.types import Article

_COUNT_UP_TO = 32 * 2**20  # bytes on disk; a larger file takes too long to read twice
_BLANK = b" \t\r\n\xef\xbb\xbf"  # with the byte-order mark
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonLinesSource(PathSource):
    """One JSON object a line with `title`, `text` and optionally `url` and `revision`.

    Blank lines are skipped; fields of other names become metadata. The file is UTF-8, with or
    without a byte-order mark, and compressed if its name ends in `.gz`.
    """

    def __iter__(self) -> Iterator[Article]:
        """Read the articles in the file's order; CorpusError names the line that is wrong."""
        for number, line in self._lines():
            where = f"{self.path}:{number}"
            text = decode_utf8(line, path=self.path, first_line=number)
            yield article_from_record(_parse(text, where), where)

    def count(self) -> int | None:
        """Number of articles; None for a file of more than 32 MiB."""
        if self.path.stat().st_size > _COUNT_UP_TO:
            return None
        return sum(1 for _ in self._lines())

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are not blank, numbered from 1."""
        compressed = self.path.name.lower().endswith(".gz")
        try:
            with gzip.open(self.path) if compressed else self.path.open("rb") as stream:
                for number, line in enumerate(stream, 1):
                    if line.strip(_BLANK):
                        yield number, line
        except (OSError, EOFError, zlib.error) as err:
            raise cannot_read(self.path, err) from err


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

"""XML in encodings that expat does not know, made UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from wikirank.errors import CorpusError

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_HEAD = 256  # bytes that hold an XML declaration
# Of more than one byte a character; expat reads UTF-8 and UTF-16, and Python's parser gives it
# tables for those of one byte. Python has codecs that are no encodings of text, so these are named.
_MULTIBYTE_NAMES = """
big5 big5hkscs cp932 cp949 cp950 euc_jis_2004 euc_jisx0213 euc_jp euc_kr gb18030 gb2312 gbk
hz iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
johab shift_jis shift_jis_2004 shift_jisx0213 utf-32 utf-32-be utf-32-le
"""
_MULTIBYTE = frozenset(_MULTIBYTE_NAMES.split())
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def expat_readable(pieces: Iterator[bytes], where: str) -> tuple[Iterator[bytes], str | None]:
    """Make the bytes of an XML file ones that expat can read.

    Args:
        pieces: The file, piece by piece.
        where: Its name, for messages.

    Returns:
        The bytes, and the encoding that they are in whatever the file declares; None if it is what
        the file declares.

    Raises:
        CorpusError: If the file is not in the encoding that it declares; on reading.
    """
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD:
            break
    name = _multibyte(head)
    if name is None:
        return _chained(head, pieces), None
    return _transcoded(_chained(head, pieces), name, where), "utf-8"


def _multibyte(head: bytes) -> str | None:
    """The file's encoding if expat needs help with it."""
    if head.startswith(_UTF_32):
        return "utf-32"
    declared = _DECLARED.search(head[:_HEAD].lstrip(codecs.BOM_UTF8))
    if declared is None:
        return None
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        return None  # expat says so
    return name if name in _MULTIBYTE else None


def _chained(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from pieces


def _transcoded(pieces: Iterator[bytes], name: str, where: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as err:
        msg = f"{where} declares the encoding {name}, but is not in it: {err}"
        raise CorpusError(msg) from err

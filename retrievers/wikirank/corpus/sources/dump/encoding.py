"""Convert XML in encodings that expat does not support to UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from wikirank.errors import CorpusError

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_HEAD = 256  # bytes that contain an XML declaration
# Encodings with several bytes a character. Expat itself reads UTF-8 and UTF-16, and Python's
# parser adds the single-byte ones. They are listed because some of Python's codecs are not text.
_MULTIBYTE_NAMES = """
big5 big5hkscs cp932 cp949 cp950 euc_jis_2004 euc_jisx0213 euc_jp euc_kr gb18030 gb2312 gbk
hz iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
johab shift_jis shift_jis_2004 shift_jisx0213 utf-32 utf-32-be utf-32-le
"""
_MULTIBYTE = frozenset(_MULTIBYTE_NAMES.split())
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def expat_readable(pieces: Iterator[bytes], where: str) -> tuple[Iterator[bytes], str | None]:
    """Convert an XML file to an encoding that expat can read, if necessary.

    Args:
        pieces: The bytes of the file, in pieces.
        where: Name of the file, for messages.

    Returns:
        The bytes, and their encoding if it is not the one that the file declares, otherwise None.

    Raises:
        CorpusError: If the bytes are not in the declared encoding; raised on iteration.
    """
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD:
            break
    name = _multibyte_encoding(head)
    if name is None:
        return _chain(head, pieces), None
    return _transcode(_chain(head, pieces), name, where), "utf-8"


def _multibyte_encoding(head: bytes) -> str | None:
    """Return the file's encoding if expat does not support it."""
    if head.startswith(_UTF_32):
        return "utf-32"
    declared = _DECLARED.search(head[:_HEAD].lstrip(codecs.BOM_UTF8))
    if declared is None:
        return None
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        return None  # expat reports the error
    return name if name in _MULTIBYTE else None


def _chain(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from pieces


def _transcode(pieces: Iterator[bytes], name: str, where: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as err:
        msg = f"{where} is not in the encoding {name} that it declares: {err}"
        raise CorpusError(msg) from err

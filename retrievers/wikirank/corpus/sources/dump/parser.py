"""Parse MediaWiki's XML export page by page, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from wikirank.corpus.sources.dump.encoding import expat_readable
from wikirank.corpus.sources.dump.streams import decompressed
from wikirank.errors import CorpusError

_MAX_DEPTH = 32  # nested elements; an export has five
_MAX_TAG = 2**24  # bytes; expat keeps a whole tag, and parses it again with each piece
_MAX_ELEMENT = 2**30  # bytes without a closing tag: not a page, but a decompression bomb
_MAX_FIELD = 2000  # characters of short fields such as title and id
_TEXT = "page/revision/text"
_NAMESPACE = "siteinfo/namespaces/namespace"
_PAGE_FIELDS = {
    "page/title": "title",
    "page/id": "id",
    "page/revision/id": "revision",
    "page/revision/model": "model",
}
_SITE_FIELDS = {"siteinfo/base": "base", "siteinfo/case": "case"}
_FIELDS = frozenset({_TEXT, _NAMESPACE, "page/ns", *_PAGE_FIELDS, *_SITE_FIELDS})
_TRUNCATED = (
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
)
_ADVICE = ". Download it again, or export it again."


@dataclass(slots=True)
class DumpPage:
    """A page of the export, with its last revision.

    Attributes:
        title: Title, with the namespace.
        namespace: Number of the namespace; None in exports of old versions.
        id: Id of the page.
        revision: Id of the revision.
        redirect: Title of the page that it redirects to; empty if it is not a redirect, and in
            exports of old versions.
        model: Content model; empty means wikitext.
        text: The wikitext, up to the parser's limit.
        length: Length of the whole wikitext in characters.
        deleted: Whether the text is hidden from the public.
    """

    title: str = ""
    namespace: int | None = None
    id: str = ""
    revision: str = ""
    redirect: str = ""
    model: str = ""
    text: str = ""
    length: int = 0
    deleted: bool = False


@dataclass(slots=True)
class SiteInfo:
    """Information about the wiki of an export.

    Attributes:
        base: URL of the main page; empty if unknown.
        case: `first-letter` or `case-sensitive`.
        namespaces: Names of namespaces by number.
    """

    base: str = ""
    case: str = "first-letter"
    namespaces: dict[int, str] = field(default_factory=dict)


class DumpParser:
    """Parses an export; each object can be iterated over once.

    Args:
        path: The file.
        max_text: Characters of a page's text that are kept.

    Attributes:
        site: Information about the wiki, available with the first page.
    """

    def __init__(self, path: Path, *, max_text: int) -> None:
        self.site = SiteInfo()
        self._path = path
        self._max_text = max_text
        self._parser: Any = None
        self._open: list[str] = []  # names of the open elements
        self._pages: list[DumpPage] = []  # finished, not yet yielded
        self._page = DumpPage()
        self._last_title = ""
        self._field = _Field(0)
        self._namespace_key = ""
        self._events = 0
        self._ends = 0

    def __iter__(self) -> Iterator[DumpPage]:
        """Read the pages in the export's order.

        Yields:
            The pages.

        Raises:
            CorpusError: If the file is damaged, not an export, or not safe to read.
        """
        try:
            pieces, encoding = expat_readable(decompressed(self._path), str(self._path))
            self._parser = self._new_parser(encoding)
            for _ in self._feed(pieces):
                yield from self._take_pages()
        except (expat.ExpatError, ValueError, LookupError, CorpusError) as err:
            yield from self._take_pages()  # the pages before the damage
            raise self._error(err) from err
        yield from self._take_pages()

    def _new_parser(self, encoding: str | None) -> Any:
        parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._reject_doctype
        return parser

    def _feed(self, pieces: Iterator[bytes]) -> Iterator[None]:
        """Parse the pieces; yield after each, when pages may be finished."""
        bytes_in_tag = bytes_in_element = 0
        for piece in pieces:
            events, ends = self._events, self._ends
            self._parser.Parse(piece, False)
            bytes_in_tag = bytes_in_tag + len(piece) if events == self._events else 0
            bytes_in_element = bytes_in_element + len(piece) if ends == self._ends else 0
            if bytes_in_tag > _MAX_TAG:
                self._reject(f"a tag or comment of over {_MAX_TAG // 2**20} MiB")
            if bytes_in_element > _MAX_ELEMENT:
                self._reject(f"an element of over {_MAX_ELEMENT // 2**20} MiB")
            yield
        self._parser.Parse(b"", True)

    def _take_pages(self) -> list[DumpPage]:
        pages, self._pages = self._pages, []
        return pages

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._events += 1
        if not self._open and name != "mediawiki":
            self._reject(f"the root element <{name[:40]}>")
        if len(self._open) >= _MAX_DEPTH:
            self._reject(f"over {_MAX_DEPTH} nested elements")
        self._open.append(name)
        path = "/".join(self._open[1:])
        limit = self._max_text if path == _TEXT else _MAX_FIELD
        self._field = _Field(limit if path in _FIELDS else 0)
        if path == "page":
            self._page = DumpPage()
        elif path == "page/redirect":
            self._page.redirect = attributes.get("title", "")
        elif path == _TEXT:
            self._page.deleted = "deleted" in attributes
        elif path == _NAMESPACE:
            self._namespace_key = attributes.get("key", "")

    def _characters(self, text: str) -> None:
        self._events += 1
        self._field.add(text)

    def _end(self, _: str) -> None:
        self._events += 1
        self._ends += 1
        path = "/".join(self._open[1:])
        self._open.pop()
        text = self._field.text() if path in _FIELDS else ""
        if path == "page":
            self._pages.append(self._page)
            self._last_title = self._page.title
        elif path == _TEXT:
            self._page.text, self._page.length = text, self._field.length
        elif path == "page/ns":
            self._page.namespace = int(text) if text.lstrip("-").isdecimal() else None
        elif path in _PAGE_FIELDS:
            setattr(self._page, _PAGE_FIELDS[path], text)
        elif path == _NAMESPACE:
            if self._namespace_key.lstrip("-").isdecimal():
                self.site.namespaces[int(self._namespace_key)] = text
        elif path in _SITE_FIELDS:
            setattr(self.site, _SITE_FIELDS[path], text)
        self._field = _Field(0)

    def _reject_doctype(self, *_: Any) -> NoReturn:
        # XML attacks define entities in the document type; no export has one.
        self._reject("a document type declaration (<!DOCTYPE>)")

    def _reject(self, got: str) -> NoReturn:
        msg = f"expected a MediaWiki XML export, got {got}"
        raise CorpusError(msg)

    def _error(self, err: Exception) -> CorpusError:
        """Add the place in the file to an error, and advice."""
        place = f"line {self._parser.CurrentLineNumber if self._parser else 1}"
        if self._last_title:
            place += f", after the page {self._last_title!r}"
        reason = str(err).removeprefix(f"{self._path} ")
        if isinstance(err, expat.ExpatError) and err.code in _TRUNCATED:
            reason = "it ends before its root element does, so a part is missing"
        advice = "" if isinstance(err, CorpusError) and "expected a Media" in reason else _ADVICE
        return CorpusError(f"{self._path} ({place}): {reason}{advice}")


class _Field:
    """The text of the innermost open element.

    Args:
        limit: Number of characters to keep.

    Attributes:
        length: Length of the whole text in characters.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[str] = []
        self.length = 0

    def add(self, text: str) -> None:
        if self.length < self._limit:
            self._parts.append(text[: self._limit - self.length])
        self.length += len(text)

    def text(self) -> str:
        return "".join(self._parts)

"""Articles from a ZIM file, with its redirects and web addresses; needs the [zim] extra."""

from __future__ import annotations

import html
import re
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from wikirank._extras import require_extra
from wikirank.corpus.html import html_text
from wikirank.corpus.sources.path_source import PathSource, cannot_read
from wikirank.errors import CorpusError
from wikirank.types import Article

_LONGEST_CHAIN = 8


class Redirects:
    """Eight bytes a redirect: the entry that it leads to, and its own.

    Args:
        archive: libzim's archive, open.
        entries: Numbers of the entries to look at.
    """

    def __init__(self, archive: Any, entries: Iterable[int]) -> None:
        import numpy as np

        self._archive = archive
        self.dangling = 0
        targets, sources = array("I"), array("I")
        for number in entries:
            entry = archive._get_entry_by_id(number)
            if not entry.is_redirect:
                continue
            target = _article(entry)
            if target is None:
                self.dangling += 1
            else:
                targets.append(target)
                sources.append(number)
        numbers = np.frombuffer(targets, dtype=np.uintc) if targets else np.empty(0, np.uintc)
        order = np.argsort(numbers, kind="stable")
        self._targets = numbers[order]
        self._sources = np.array(sources, dtype=np.uintc)[order]

    def titles(self, target: int) -> list[str]:
        """Titles of the redirects that lead to an entry, each once, in the file's order."""
        first, end = self._targets.searchsorted([target, target + 1])
        numbers = self._sources[first:end].tolist()
        return list(dict.fromkeys(self._archive._get_entry_by_id(n).title for n in numbers))


def _article(entry: Any) -> int | None:
    """Number of the entry that a redirect leads to in the end; None if it leads round or astray."""
    for _ in range(_LONGEST_CHAIN):
        try:
            entry = entry.get_redirect_entry()
        except (RuntimeError, LookupError):
            return None
        if not entry.is_redirect:
            return int(entry._index)
    return None


# Kiwix ends each page of a MediaWiki with "This article is issued from <a href=…>Wikipedia</a>",
# in the wiki's language; the link names the article and its revision.
_FOOTER = re.compile(
    r"""<div[^<>]*>[^<>]*<a [^<>]*href=(?P<q>["'])(?P<link>[^<>]*?[?&;]oldid=\d+[^<>]*?)(?P=q)"""
)
_FOOTER_WITHIN = 3000  # characters from the end
_PATH_SAFE = "/:@!$&'()*+,;=~"


def without_footer(page: str) -> tuple[str, str, str]:
    """Take Kiwix's own last lines off a page, and read from them what the page is.

    Args:
        page: HTML.

    Returns:
        The page without them, the article's address and its revision; the last two are empty
        where the page has no such lines.
    """
    before = max(0, len(page) - _FOOTER_WITHIN)
    footers = list(_FOOTER.finditer(page[before:]))
    if not footers:
        return page, "", ""
    parts = urlsplit(html.unescape(footers[-1]["link"]))
    query = parse_qs(parts.query)
    path = parts.path
    if "title" in query:  # https://…/wiki/?title=Kite&oldid=1, or https://…/w/index.php?title=…
        title = quote(query["title"][0].replace(" ", "_"), safe=_PATH_SAFE)
        path += f"?title={title}" if path.endswith(".php") else title
    address = f"{parts.scheme or 'https'}://{parts.netloc}{path}" if parts.netloc else ""
    return page[: before + footers[-1].start()], address, query["oldid"][0]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a ZIM file's metadata tell of the place that its pages were taken from.

    Attributes:
        prefix: What, put before an entry's path, makes its address; None where that is unknown.
    """

    prefix: str | None

    @classmethod
    def of(cls, archive: Any) -> Origin:
        """Read it from an archive.

        Args:
            archive: libzim's archive, open.

        Returns:
            The origin: of a copy of a website its addresses without the scheme are the paths; a
            MediaWiki has its articles below `/wiki/`.
        """
        scraper = _metadata(archive, "Scraper").lower()
        if "zimit" in scraper or "warc2zim" in scraper:
            return cls("https://")
        source = _metadata(archive, "Source").strip()
        if "mwoffliner" not in scraper or not source:
            return cls(None)
        parts = urlsplit(source if "//" in source else f"https://{source}")
        if not parts.hostname or "." not in parts.hostname:
            return cls(None)
        folder = parts.path if parts.path.strip("/") else "/wiki/"
        return cls(f"{parts.scheme}://{parts.netloc}{folder.rstrip('/')}/")

    def url(self, path: str) -> str:
        """Address of the page at a path in the file; empty where the origin is unknown."""
        if self.prefix is None:
            return ""
        path = path.removeprefix("A/")
        return self.prefix + quote(unquote(path).replace(" ", "_"), safe=_PATH_SAFE)


def _metadata(archive: Any, key: str) -> str:
    if key not in archive.metadata_keys:
        return ""
    value: bytes = archive.get_metadata(key)
    return value.decode("utf-8", "replace")


_MOST_BYTES = 64 * 2**20  # of one page: far more than any article has
_COUNTED = re.compile(r"(?:^|;)text/html(?:; ?charset=[\w-]+)?=(\d+)")
_CHARSET = re.compile(rb"charset=[\"' ]?([\w-]+)", re.IGNORECASE)
_PART = re.compile(r"\.zim([a-z]{2})$", re.IGNORECASE)


class ZimSource(PathSource):
    """One article a HTML page of the main namespace, in the order of the file's paths.

    Redirects are no articles: their titles are the `aliases` of the article they lead to. The
    metadata holds `path`, the entry's path in the file. The address and the revision are those
    that the page or the file's own metadata name, else empty. Pages are read one at a time; eight
    bytes a redirect are kept in memory.
    """

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        """Name the source; its contents are read when it is iterated over.

        Args:
            path: The file; of a file in parts the first, which ends in `.zimaa`.
            name: What the index is to call it; by default the file's name.

        Raises:
            CorpusError: If there is nothing at `path`, or it is a later part of a file.
            InvalidArgumentError: If `name` is empty.
            MissingExtraError: If libzim is not installed.
        """
        super().__init__(path, name=name)
        require_extra("zim", "a ZIM source", ["libzim"])
        part = _PART.search(self.path.name)
        if part and part[1].lower() != "aa":
            msg = f"{self.path} is a later part of a ZIM file: name the first, which ends in .zimaa"
            raise CorpusError(msg)

    def __iter__(self) -> Iterator[Article]:
        """Read the articles; CorpusError if the file is truncated, corrupt or no ZIM file."""
        self._skipped.clear()
        with self.opened() as archive:
            # A flipped bit in a picture or a text would otherwise go unseen.
            if archive.has_checksum and not archive.check():
                raise cannot_read(self.path, "its checksum is wrong; download the file again")
            origin = Origin.of(archive)
            entries = range(archive.entry_count)
            redirects = Redirects(archive, entries)
            for number in entries:
                entry = archive._get_entry_by_id(number)
                if in_main_namespace(archive, entry) and not entry.is_redirect:
                    yield from self.articles_of(entry, origin, redirects)
            if redirects.dangling:
                self._skipped["redirect to no article"] = redirects.dangling

    def count(self) -> int | None:
        """Number of HTML pages as the file itself counts them; None where it does not."""
        with self.opened() as archive:
            if "Counter" not in archive.metadata_keys:
                return None
            counts = _COUNTED.findall(archive.get_metadata("Counter").decode("utf-8", "replace"))
        return sum(map(int, counts)) if counts else None

    def articles_of(self, entry: Any, origin: Origin, redirects: Redirects) -> Iterator[Article]:
        """The article of an entry, if it is one.

        Args:
            entry: One of the file's entries, no redirect.
            origin: Where the file's pages come from.
            redirects: Those of the file.

        Yields:
            One article, or none.
        """
        item = entry.get_item()
        mimetype = item.mimetype
        if not mimetype.startswith(("text/html", "application/xhtml")) or "raw=true" in mimetype:
            self._skipped["not HTML"] += 1
            return
        if item.size > _MOST_BYTES:
            self._skipped[f"page of more than {_MOST_BYTES >> 20} MiB"] += 1
            return
        page, address, revision = without_footer(_decoded(bytes(item.content), mimetype))
        title = entry.title
        try:
            text = html_text(page, title=title)
        except CorpusError:
            self._skipped["HTML nested too deeply"] += 1
            return
        metadata: dict[str, Any] = {"path": entry.path}
        aliases = [alias for alias in redirects.titles(entry._index) if alias != title]
        if aliases:
            metadata["aliases"] = aliases
        yield Article(title, text, address or origin.url(entry.path), revision, metadata)

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """The file's archive; what libzim finds wrong with it is a CorpusError."""
        from libzim.reader import Archive

        name = self.path.name[:-2] if _PART.search(self.path.name) else self.path.name
        with self.reported():
            yield Archive(self.path.with_name(name))

    @contextmanager
    def reported(self) -> Iterator[None]:
        """What libzim finds wrong with the file is a CorpusError."""
        try:
            yield
        # Whatever libzim finds wrong is a RuntimeError, or a name that is not UTF-8, or an entry
        # that points to none.
        except (RuntimeError, LookupError, ValueError) as err:
            raise cannot_read(self.path, err) from err


def is_zim(path: Path) -> bool:
    """Tell whether a path ends as a ZIM file does, or a part of one: `.zim`, `.zimaa`."""
    return path.suffix.lower() == ".zim" or _PART.search(path.name) is not None


def in_main_namespace(archive: Any, entry: Any) -> bool:
    """Whether an entry is a page of the wiki, and no file or metadata beside it."""
    # Files of the new scheme give only the main namespace, without a prefix.
    return bool(archive.has_new_namespace_scheme) or entry.path.startswith("A/")


def _decoded(page: bytes, mimetype: str) -> str:
    """Decode a page: UTF-8, else by the charset that it names, else as browsers do."""
    try:
        return page.decode()
    except UnicodeDecodeError:
        named = _CHARSET.search(mimetype.encode()) or _CHARSET.search(page[:1024])
        try:
            return page.decode(named[1].decode() if named else "cp1252", "replace")
        except LookupError:
            return page.decode(errors="replace")

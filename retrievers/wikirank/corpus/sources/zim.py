"""Read articles from a ZIM file, with redirects and web addresses; needs the [zim] extra."""

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

_MAX_REDIRECTS = 8


class Redirects:
    """The redirects of an archive by their target, in eight bytes each.

    Args:
        archive: An open archive of libzim.
        entries: Numbers of the entries to search for redirects.

    Attributes:
        dangling: Number of redirects that lead to no entry.
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
            target = _redirect_target(entry)
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
        """Return the distinct titles of the redirects to an entry, in the file's order."""
        first, end = self._targets.searchsorted([target, target + 1])
        numbers = self._sources[first:end].tolist()
        return list(dict.fromkeys(self._archive._get_entry_by_id(n).title for n in numbers))


def _redirect_target(entry: Any) -> int | None:
    """Follow redirects to the number of an entry; None if they form a circle or lead nowhere."""
    for _ in range(_MAX_REDIRECTS):
        try:
            entry = entry.get_redirect_entry()
        except (RuntimeError, LookupError):
            return None
        if not entry.is_redirect:
            return int(entry._index)
    return None


# Kiwix adds "This article is issued from <a href=…>Wikipedia</a>", in the wiki's language, to the
# end of each page of a MediaWiki; the link contains the article's title and revision.
_FOOTER = re.compile(
    r"""<div[^<>]*>[^<>]*<a [^<>]*href=(?P<q>["'])(?P<link>[^<>]*?[?&;]oldid=\d+[^<>]*?)(?P=q)"""
)
_FOOTER_WITHIN = 3000  # characters from the end
_PATH_SAFE = "/:@!$&'()*+,;=~"


def without_footer(page: str) -> tuple[str, str, str]:
    """Remove the footer that Kiwix adds to a page, and read the article's URL from it.

    Args:
        page: HTML.

    Returns:
        The page without the footer, the article's URL, and its revision. The last two are empty
        if there is no footer.
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
    """The website that the pages of a ZIM file were copied from, according to its metadata.

    Attributes:
        prefix: Prefix that makes a URL from an entry's path; None if unknown.
    """

    prefix: str | None

    @classmethod
    def from_archive(cls, archive: Any) -> Origin:
        """Read the origin from the metadata of an open archive of libzim.

        In a copy of a website, the paths are URLs without the scheme. In a copy of a MediaWiki,
        they are titles, whose pages are at `/wiki/`.
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
        """Return the URL of the page at a path in the file; empty if the origin is unknown."""
        if self.prefix is None:
            return ""
        path = path.removeprefix("A/")
        return self.prefix + quote(unquote(path).replace(" ", "_"), safe=_PATH_SAFE)


def _metadata(archive: Any, key: str) -> str:
    if key not in archive.metadata_keys:
        return ""
    value: bytes = archive.get_metadata(key)
    return value.decode("utf-8", "replace")


_MAX_BYTES = 64 * 2**20  # of one page: far more than any article has
_COUNTED = re.compile(r"(?:^|;)text/html(?:; ?charset=[\w-]+)?=(\d+)")
_CHARSET = re.compile(rb"charset=[\"' ]?([\w-]+)", re.IGNORECASE)
_PART = re.compile(r"\.zim([a-z]{2})$", re.IGNORECASE)


class ZimSource(PathSource):
    """The HTML pages of the main namespace, one article each, in the order of their paths.

    The titles of redirects become the `aliases` of the article they lead to. The metadata also
    holds `path`, the entry's path in the file. The URL and the revision are taken from the page or
    from the file's metadata, otherwise they are empty. Pages are read one at a time; redirects
    take eight bytes of memory each.
    """

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        """Open the source; its contents are read when it is iterated over.

        Args:
            path: The file; the first part (`.zimaa`) of a file in parts.
            name: Name of the source in the index; by default the name of the file.

        Raises:
            CorpusError: If there is nothing at `path`, or it is not the first part of a file.
            InvalidArgumentError: If `name` is empty.
            MissingExtraError: If libzim is not installed.
        """
        super().__init__(path, name=name)
        require_extra("zim", "a ZIM source", ["libzim"])
        part = _PART.search(self.path.name)
        if part and part[1].lower() != "aa":
            msg = (
                f"Expected the first part of a ZIM file, got a later part, {self.path}. Give the "
                "part that ends in .zimaa."
            )
            raise CorpusError(msg)

    def __iter__(self) -> Iterator[Article]:
        """Read the articles; CorpusError if the file is truncated, corrupt or not a ZIM file."""
        self._skipped.clear()
        with self.opened() as archive:
            # Otherwise a flipped bit in a picture or a text would go unnoticed.
            if archive.has_checksum and not archive.check():
                raise cannot_read(self.path, "its checksum is wrong; download the file again")
            origin = Origin.from_archive(archive)
            entries = range(archive.entry_count)
            redirects = Redirects(archive, entries)
            for number in entries:
                entry = archive._get_entry_by_id(number)
                if in_main_namespace(archive, entry) and not entry.is_redirect:
                    yield from self.articles_of(entry, origin, redirects)
            if redirects.dangling:
                self._skipped["redirect to no article"] = redirects.dangling

    def count(self) -> int | None:
        """Return the number of HTML pages according to the file; None if it does not say."""
        with self.opened() as archive:
            if "Counter" not in archive.metadata_keys:
                return None
            counts = _COUNTED.findall(archive.get_metadata("Counter").decode("utf-8", "replace"))
        return sum(map(int, counts)) if counts else None

    def articles_of(self, entry: Any, origin: Origin, redirects: Redirects) -> Iterator[Article]:
        """Yield the article of an entry that is not a redirect; nothing if it must be skipped."""
        item = entry.get_item()
        mimetype = item.mimetype
        if not mimetype.startswith(("text/html", "application/xhtml")) or "raw=true" in mimetype:
            self._skipped["not HTML"] += 1
            return
        if item.size > _MAX_BYTES:
            self._skipped[f"page of more than {_MAX_BYTES >> 20} MiB"] += 1
            return
        page, url, revision = without_footer(_decode(bytes(item.content), mimetype))
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
        yield Article(title, text, url or origin.url(entry.path), revision, metadata)

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the archive; errors of libzim become CorpusError."""
        from libzim.reader import Archive

        name = self.path.name[:-2] if _PART.search(self.path.name) else self.path.name
        with self.convert_errors():
            yield Archive(self.path.with_name(name))

    @contextmanager
    def convert_errors(self) -> Iterator[None]:
        """Turn errors of libzim into CorpusError."""
        try:
            yield
        # libzim raises RuntimeError. The others come from names that are not UTF-8 and from
        # entries that do not exist.
        except (RuntimeError, LookupError, ValueError) as err:
            raise cannot_read(self.path, err) from err


def is_zim(path: Path) -> bool:
    """Whether a path ends like a ZIM file or a part of one: `.zim`, `.zimaa`."""
    return path.suffix.lower() == ".zim" or _PART.search(path.name) is not None


def in_main_namespace(archive: Any, entry: Any) -> bool:
    """Whether an entry is a page of the wiki, not a resource or metadata."""
    # With the new scheme, libzim lists only the main namespace, without a prefix.
    return bool(archive.has_new_namespace_scheme) or entry.path.startswith("A/")


def _decode(page: bytes, mimetype: str) -> str:
    """Decode a page as UTF-8, otherwise by its declared charset, otherwise like browsers."""
    try:
        return page.decode()
    except UnicodeDecodeError:
        declared = _CHARSET.search(mimetype.encode()) or _CHARSET.search(page[:1024])
        try:
            return page.decode(declared[1].decode() if declared else "cp1252", "replace")
        except LookupError:
            return page.decode(errors="replace")

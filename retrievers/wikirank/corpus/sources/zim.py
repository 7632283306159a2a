"""Articles from a ZIM file, as Kiwix has them; needs the [zim] extra."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wikirank.corpus.html import html_text
from wikirank.corpus.sources.path_source import PathSource, cannot_read
from wikirank.corpus.sources.zim_origin import Origin, without_footer
from wikirank.corpus.sources.zim_redirects import Redirects
from wikirank.errors import CorpusError
from wikirank.extras import require_extra
from wikirank.types import Article

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
        with self._open() as archive:
            # A flipped bit in a picture or a text would otherwise go unseen.
            if archive.has_checksum and not archive.check():
                raise cannot_read(self.path, "its checksum is wrong; download the file again")
            origin = Origin.of(archive)
            entries = range(archive.entry_count)
            redirects = Redirects(archive, entries)
            for number in entries:
                entry = archive._get_entry_by_id(number)
                if _in_main_namespace(archive, entry) and not entry.is_redirect:
                    yield from self._articles(entry, origin, redirects)
            if redirects.dangling:
                self._skipped["redirect to no article"] = redirects.dangling

    def count(self) -> int | None:
        """Number of HTML pages as the file itself counts them; None where it does not."""
        with self._open() as archive:
            if "Counter" not in archive.metadata_keys:
                return None
            counts = _COUNTED.findall(archive.get_metadata("Counter").decode("utf-8", "replace"))
        return sum(map(int, counts)) if counts else None

    def _articles(self, entry: Any, origin: Origin, redirects: Redirects) -> Iterator[Article]:
        """The article of an entry, if it is one."""
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
    def _open(self) -> Iterator[Any]:
        from libzim.reader import Archive

        name = self.path.name[:-2] if _PART.search(self.path.name) else self.path.name
        try:
            yield Archive(self.path.with_name(name))
        # Whatever libzim finds wrong is a RuntimeError, or a name that is not UTF-8, or an entry
        # that points to none.
        except (RuntimeError, LookupError, ValueError) as err:
            raise cannot_read(self.path, err) from err


def is_zim(path: Path) -> bool:
    """Tell whether a path ends as a ZIM file does, or a part of one: `.zim`, `.zimaa`."""
    return path.suffix.lower() == ".zim" or _PART.search(path.name) is not None


def _in_main_namespace(archive: Any, entry: Any) -> bool:
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

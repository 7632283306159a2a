"""Where the pages of a ZIM file come from on the web."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

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
    found = list(_FOOTER.finditer(page[before:]))
    if not found:
        return page, "", ""
    parts = urlsplit(html.unescape(found[-1]["link"]))
    query = parse_qs(parts.query)
    path = parts.path
    if "title" in query:  # https://…/wiki/?title=Kite&oldid=1, or https://…/w/index.php?title=…
        title = quote(query["title"][0].replace(" ", "_"), safe=_PATH_SAFE)
        path += f"?title={title}" if path.endswith(".php") else title
    address = f"{parts.scheme or 'https'}://{parts.netloc}{path}" if parts.netloc else ""
    return page[: before + found[-1].start()], address, query["oldid"][0]


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

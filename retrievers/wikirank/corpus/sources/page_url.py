"""URLs of wiki pages."""

from __future__ import annotations

from urllib.parse import quote

_URL_SAFE = ";@$!*(),/~:"  # MediaWiki does not encode these in titles


def url_prefix(main_page: str) -> str:
    """Return the URL of a wiki's main page up to the title; empty if it is not http(s)."""
    if not main_page.startswith(("https://", "http://")):
        return ""
    before, parameter, _ = main_page.partition("?title=")
    return before + parameter if parameter else main_page.rpartition("/")[0] + "/"


def page_url(prefix: str, title: str) -> str:
    """Return the URL of a page; empty without a prefix."""
    return prefix + quote(title.replace(" ", "_"), _URL_SAFE) if prefix else ""

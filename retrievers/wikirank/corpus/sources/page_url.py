"""Addresses of wiki pages."""

from __future__ import annotations

from urllib.parse import quote

_URL_SAFE = ";@$!*(),/~:"  # what MediaWiki leaves as it is in a title


def url_prefix(main_page: str) -> str:
    """The address of a wiki's main page up to the title; empty if it is none of the web."""
    if not main_page.startswith(("https://", "http://")):
        return ""
    before, parameter, _ = main_page.partition("?title=")
    return before + parameter if parameter else main_page.rpartition("/")[0] + "/"


def page_url(prefix: str, title: str) -> str:
    """The address of a page; empty without a prefix."""
    return prefix + quote(title.replace(" ", "_"), _URL_SAFE) if prefix else ""

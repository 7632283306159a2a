"""What of a rendered page is no text of its article: links, notes, boxes, hidden parts."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TAGS = frozenset({"script", "style", "template", "noscript", "audio", "video", "button"})
# Classes of MediaWiki itself, and of the templates that most wikis share.
_CLASSES = frozenset(
    {
        *("reference", "references", "reflist", "mw-references-wrap", "mw-cite-backlink"),
        *("mw-cite-error", "error", "mw-editsection", "mw-jump-link", "mw-empty-elt"),
        *("toc", "catlinks", "printfooter", "noprint", "noexcerpt", "metadata"),
        *("navbox", "navbar", "vertical-navbox", "sidebar", "sistersitebox", "authority-control"),
        *("ambox", "tmbox", "ombox"),
    }
)
_IDS = frozenset({"toc", "catlinks"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def is_furniture(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether an element, with all in it, is no part of an article's text.

    Args:
        tag: Its name, in lower case.
        attributes: Its attributes.

    Returns:
        True for references, edit links, tables of contents, navigation bars, maintenance boxes,
        scripts and what is hidden.
    """
    return (
        tag in _TAGS
        or attributes.get("id") in _IDS
        or not _CLASSES.isdisjoint(attributes.get("class", "").split())
        or bool(_HIDDEN.search(attributes.get("style", "")))
        or attributes.get("role") == "navigation"
    )

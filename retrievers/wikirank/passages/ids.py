"""Stable ids of passages, and URLs of sections."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

# What RFC 3986 allows in a fragment besides letters, digits and "-._~".
_FRAGMENT_SAFE = "!$&'()*+,;=:@/?"


def passage_id(
    source: str, article: str, section_path: Sequence[str], ordinal: int, text: str
) -> str:
    """Derive a passage's id from its position and text: the same on every run and machine.

    Args:
        source: Name of the source.
        article: Key of the article within the source.
        section_path: Headings, outermost first; empty for the lead.
        ordinal: Position among the passages with that section path, from 0.
        text: Text of the passage.

    Returns:
        32 hexadecimal digits.
    """
    return stable_hash([source, article, list(section_path), ordinal, text])


def section_url(url: str, section_path: Sequence[str]) -> str:
    """Add the anchor of a section to an article's URL, in MediaWiki's form.

    Spaces become underscores, and characters not allowed in a URL are percent-encoded. If an
    article has the same heading twice, the anchor leads to the first.

    Args:
        url: URL of the article; a fragment in it is replaced.
        section_path: Headings, outermost first; the last one becomes the anchor.

    Returns:
        The URL with the anchor; `url` unchanged if it or the path is empty.
    """
    if not url or not section_path:
        return url
    words = re.sub(r"[\s_]+", " ", section_path[-1]).strip()
    anchor = quote(words.replace(" ", "_"), safe=_FRAGMENT_SAFE)
    return f"{url.split('#', 1)[0]}#{anchor}"


def stable_hash(value: Any) -> str:
    """Hash a JSON value to 32 hexadecimal digits; the order of keys does not matter."""
    # JSON distinguishes ("a", "bc") from ("ab", "c"), and escapes what UTF-8 cannot encode.
    return blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()

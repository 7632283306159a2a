"""Stable identities of passages, and addresses of the sections they come from."""

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
    """Name a passage by where it stands and what it says: the same on every run and machine.

    Args:
        source: Name of the source.
        article: Key of the article within the source.
        section_path: Headings from the outermost in; empty for the lead.
        ordinal: Position among the passages with that section path, from 0.
        text: The passage.

    Returns:
        32 hexadecimal digits.
    """
    return stable_hash([source, article, list(section_path), ordinal, text])


def section_url(url: str, section_path: Sequence[str]) -> str:
    """Point an article's address at one of its sections, as MediaWiki names its anchors.

    Spaces become underscores, and what may not stand in a URL is percent-encoded. Where an
    article has a heading twice, the anchor is that of the first.

    Args:
        url: Address of the article; a fragment in it is replaced.
        section_path: Headings from the outermost in; the innermost is the anchor.

    Returns:
        The address with the anchor; `url` itself if the path or the address is empty.
    """
    if not url or not section_path:
        return url
    words = re.sub(r"[\s_]+", " ", section_path[-1]).strip()
    anchor = quote(words.replace(" ", "_"), safe=_FRAGMENT_SAFE)
    return f"{url.split('#', 1)[0]}#{anchor}"


def stable_hash(value: Any) -> str:
    """Hash a JSON value to 32 hexadecimal digits; the order of keys does not matter."""
    # JSON keeps ("a", "bc") and ("ab", "c") apart, and escapes what UTF-8 cannot hold.
    return blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()

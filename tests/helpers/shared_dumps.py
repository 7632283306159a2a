"""Real dumps, if they are available."""

from __future__ import annotations

from pathlib import Path

import pytest
from locations import SHARED

DUMPS = (
    "enwiki-pages-articles-sample.xml.bz2",
    "enwiki-table-markup.xml.bz2",
    "bgwiki-pages-articles-sample-utf16.xml.bz2",
    "ltgwiki-pages-articles.xml.bz2",
)


def dump(name: str) -> Path:
    path = SHARED / "dumps" / name
    if not path.exists():
        pytest.skip("shared/data/dumps is missing")
    return path

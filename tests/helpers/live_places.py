"""The small wiki about Australia where it can be asked without an index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from australia import PAGES
from mediawiki_wiki import Wiki, skip_without_mediawiki

# What links and categories there are, besides the text.
_MORE = {"Canberra": "[[Category:Cities]]", "Perth": "[[Category:Cities]] [[Canberra]] [[Sydney]]"}


@contextmanager
def served_australia(folder: Path) -> Iterator[Wiki]:
    """A real MediaWiki of the pages, with links from Perth, and a category of two cities."""
    skip_without_mediawiki()
    with Wiki.install(folder) as wiki:
        for title, text in PAGES.items():
            wiki.edit(title, f"{text}\n{_MORE.get(title, '')}")
        wiki.run_jobs()
        yield wiki

"""The small wiki about Australia as a live MediaWiki."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from australia import PAGES
from mediawiki_wiki import Wiki, skip_without_mediawiki

# Links and categories that are added to the texts.
_MORE = {"Canberra": "[[Category:Cities]]", "Perth": "[[Category:Cities]] [[Canberra]] [[Sydney]]"}


@contextmanager
def served_australia(folder: Path) -> Iterator[Wiki]:
    """Serve the pages from a real MediaWiki, with links from Perth and a category of two cities."""
    skip_without_mediawiki()
    with Wiki.install(folder) as wiki:
        for title, text in PAGES.items():
            wiki.edit(title, f"{text}\n{_MORE.get(title, '')}")
        wiki.run_jobs()
        yield wiki

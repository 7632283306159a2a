"""The pages of a GitLab wiki that have been renamed, by the page they are now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wikirank.corpus.markdown.front_matter import parse_yaml

_FILES = (".gitlab/redirects.yml", ".gitlab/.redirects.yml")


def former_titles(folder: Path) -> dict[str, list[str]]:
    """Read what GitLab keeps of renamed pages: `old/path: new/path`, a line each.

    Args:
        folder: A clone of the wiki.

    Returns:
        Former titles by path of the page without its suffix; empty where there is no such file, or
        it cannot be read: the wiki's pages do not depend on it.
    """
    titles: dict[str, list[str]] = {}
    for name in _FILES:
        try:
            moved = parse_yaml((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(moved, Mapping):
            for old, new in moved.items():
                title = str(old).rpartition("/")[2].replace("-", " ")
                titles.setdefault(str(new), []).append(title)
    return titles

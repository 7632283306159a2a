"""A small wiki about Australia, as wikitext and as a ZIM file."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from libzim import writer

PAGES = {
    "Canberra": (
        "Canberra is an inland city.\n\n== History ==\n"
        "Canberra was chosen as the capital of Australia in 1908.\n\n== Climate ==\n"
        "Winters are cold there, with frost on many nights."
    ),
    "Sydney": "Sydney is the most populous city of Australia, and lies on its east coast.",
    "Perth": "Perth is a city in the west of Australia, where the Swan River meets the sea.",
    "Melbourne": "Parliament sat in Melbourne until 1927, when it moved to the new capital.",
    "Kangaroo": "The kangaroo is an animal of Australia that hops, and carries its young.",
    "Bread": "Sourdough bread is leavened by wild yeast and bacteria.",
    "Violin": "A violin has four strings, usually tuned in perfect fifths.",
}
CAPITAL = "Which city was chosen as the capital of Australia?"


class HtmlPage(writer.Item):  # type: ignore[misc]
    """A page of a ZIM file.

    Args:
        title: Title, also used as the path.
        body: HTML after the title heading.
    """

    def __init__(self, title: str, body: str) -> None:
        super().__init__()
        self._title, self._body = title, body

    def get_path(self) -> str:
        return self._title

    def get_title(self) -> str:
        return self._title

    def get_mimetype(self) -> str:
        return "text/html"

    def get_contentprovider(self) -> Any:
        heading = f"<h1>{html.escape(self._title)}</h1>"
        return writer.StringProvider(f"{heading}<p>{self._body}</p>")

    def get_hints(self) -> dict[Any, int]:
        return {writer.Hint.FRONT_ARTICLE: True}


def write_australia(path: Path, *, indexed: bool = True) -> Path:
    """Write the wiki as a ZIM file, with or without a full-text index."""
    with writer.Creator(path).config_indexing(indexed, "eng") as creator:
        creator.set_mainpath("Canberra")
        for title, text in PAGES.items():
            body = re.sub(r"^== (.+) ==$", r"<h2>\1</h2>", html.escape(text), flags=re.M)
            creator.add_item(HtmlPage(title, body))
        creator.add_metadata("Scraper", "mwoffliner 1")
        creator.add_metadata("Source", "https://wiki.example/")
    return path

"""Fenced blocks of a Markdown file, and their documented output."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import regex

_BLOCK = regex.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", regex.M | regex.S)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        language: Word after the opening fence.
        text: Content of the block.
        line: Number of its first line in the file.
        prints: Content of the `text` block right after it; None if there is none.
    """

    language: str
    text: str
    line: int
    prints: str | None


def blocks_of(file: Path) -> list[Block]:
    markdown = file.read_text("utf-8")
    found = list(_BLOCK.finditer(markdown))
    blocks = []
    for match, after in zip_longest(found, found[1:]):
        is_output = (
            after is not None
            and after["language"] == "text"
            and not markdown[match.end() : after.start()].strip()
        )
        line = markdown.count("\n", 0, match.start("text")) + 1
        prints = after["text"] if is_output else None
        blocks.append(Block(match["language"], match["text"], line, prints))
    return blocks

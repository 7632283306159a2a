"""Second step of the parser: headings, lists, paragraphs and tables, line by line."""

from __future__ import annotations

import re
from bisect import bisect_right

from wikirank.corpus.wikitext.lines import Lines
from wikirank.corpus.wikitext.marks import HEADING, TABLE_END
from wikirank.corpus.wikitext.tables import Table, starts_table

# Nested tables: each level copies the text inside it once.
_MAX_DEPTH = 20
_LOOKS_LIKE_HEADING = re.compile(r"(={1,6})[^=].*=[ \t]*$")


def render_blocks(wikitext: str) -> str:
    """Convert wikitext to plain text.

    Args:
        wikitext: Wikitext whose templates, links and tags are already resolved.

    Returns:
        Text with marks for headings and for the literal pieces that `Expansion.restore` puts back.
    """
    blocks = _Blocks(budget=len(wikitext))
    end = f"\n{TABLE_END}\n" if "{|" in wikitext else ""
    lines = wikitext.replace(TABLE_END, end).split("\n")
    ended_by_headings = _tables_that_headings_end(lines)
    for number, line in enumerate(lines):
        for _ in range(ended_by_headings.get(number, 0)):
            blocks.end_table()
        blocks.add(line)
    return _join_lines(blocks.finish())


class _Blocks:
    """The lines of a page and its open tables.

    Args:
        budget: Most characters that repeating cells with a rowspan may add.
    """

    def __init__(self, budget: int) -> None:
        self._page = Lines()
        self._tables: list[Table] = []
        self._budget = [budget]

    def add(self, line: str) -> None:
        stripped = line.lstrip(" \t:*")
        if starts_table(stripped):
            if len(self._tables) < _MAX_DEPTH:
                self._tables.append(Table(self._budget))
        elif line == TABLE_END:
            self.end_table()
        elif not self._tables:
            self._page.add(_without_row_marks(line))
        elif stripped.startswith("|}"):
            self.end_table(stripped[2:])
        else:
            self._tables[-1].add(line)

    def end_table(self, rest: str = "") -> None:
        """Close the innermost open table, and add it to the table around it or to the page."""
        if not self._tables:
            return
        closed = self._tables.pop()
        outer = self._tables[-1].cell() if self._tables else self._page
        outer.add_finished(closed.finish())
        if rest.strip():
            outer.add(rest)

    def finish(self) -> list[str]:
        while self._tables:
            self.end_table()
        return self._page.finish()


def _tables_that_headings_end(lines: list[str]) -> dict[int, int]:
    """Count the tables that only a heading ends, by the line number of the heading."""
    opened: list[int] = []
    for number, line in enumerate(lines):
        stripped = line.lstrip(" \t:*")
        if starts_table(stripped):
            opened.append(number)
        elif opened and (line == TABLE_END or stripped.startswith("|}")):
            opened.pop()
    ended: dict[int, int] = {}
    if not opened:
        return ended
    headings = [number for number, line in enumerate(lines) if _LOOKS_LIKE_HEADING.match(line)]
    for start in opened:
        index = bisect_right(headings, start)
        if index < len(headings):
            ended[headings[index]] = ended.get(headings[index], 0) + 1
    return ended


def _without_row_marks(line: str) -> str:
    """Clean a line outside tables. A row there belongs to a table that a template opened."""
    if not line.startswith("|"):
        return line
    if line.startswith("|-"):
        return ""
    return line[2 if line.startswith(("|}", "|+")) else 1 :].replace("||", " | ").lstrip()


def _join_lines(lines: list[str]) -> str:
    """Join lines, with one blank line before each heading and no repeated blank lines."""
    kept: list[str] = []
    for line in lines:
        text = line.strip()
        if (not text or text.startswith(HEADING)) and kept and kept[-1]:
            kept.append("")
        if text:
            kept.append(line)
    return "\n".join(kept).strip("\n")


def without_marks(text: str, *, title: str = "") -> str:
    """Replace the heading marks, so that only headings look like headings.

    Args:
        text: Output of `render_blocks`, with the literal pieces restored.
        title: Title of the page. A level-one heading that repeats it is removed.

    Returns:
        The text. Its headings have at least level two: if another level-one heading remains, every
        heading moves one level down.
    """
    lines = text.split("\n")
    titles = [number for number, line in enumerate(lines) if line.startswith(f"{HEADING}= ")]
    if titles and title and _folded(lines[titles[0]].strip(f"{HEADING}= ")) == _folded(title):
        del lines[titles.pop(0)]
    deeper = "=" if titles else ""
    finished = [
        _heading_line(line[1:], deeper)
        if line.startswith(HEADING)
        else f" {line}"
        if line.startswith("==")
        else line
        for line in lines
    ]
    return "\n".join(finished).strip("\n")


def _heading_line(line: str, deeper: str) -> str:
    return f"{deeper}{line}{deeper}" if not line.startswith("======") else line


def _folded(title: str) -> str:
    return " ".join(title.replace("_", " ").split()).casefold()

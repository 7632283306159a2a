"""Convert tables to text: one line per row, with ` | ` between cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wikirank.corpus.row_spans import RowSpans
from wikirank.corpus.wikitext.lines import Lines
from wikirank.corpus.wikitext.marks import HEADING

_SEPARATOR = " | "
_ROWSPAN = re.compile(r"rowspan\s*=\s*[\"']?\s*([0-9]{1,4})", re.IGNORECASE)
_COLSPAN = re.compile(r"colspan\s*=\s*[\"']?\s*([0-9]{1,3})", re.IGNORECASE)
_ATTRIBUTES = re.compile(
    r"""\s*(?:(?:rowspan|colspan|style|class|v?align|bgcolor|background|width|height|scope|nowrap)
    \s*=\s*(?:"[^"]*"|'[^']*'|[^\s"']+)(?:\s+|$))+""",
    re.IGNORECASE | re.VERBOSE,
)
_MAX_CELL_LENGTH = 400  # characters; a row with a longer cell is layout, not data
_MAX_REPEATED_LENGTH = 120
_MAX_COLUMNS = 100


def starts_table(line: str) -> bool:
    """Return whether a line, stripped of its indentation, opens a table."""
    return line.startswith("{|")


@dataclass(slots=True)
class _Cell:
    """A table cell that is being read."""

    is_header: bool = False
    rows: int = 1
    columns: int = 1
    lines: Lines = field(default_factory=lambda: Lines(in_cell=True))


class Table:
    """A table that is being read.

    Args:
        budget: Most characters that repeating cells with a rowspan may add. A list of one number,
            shared by all tables of a page, which reduce it.
    """

    def __init__(self, budget: list[int]) -> None:
        self._lines: list[str] = []
        self._row: list[_Cell] = []
        self._loose: Lines | None = None  # a caption, or text before the first cell
        self._spans = RowSpans(budget, max_chars=_MAX_REPEATED_LENGTH, cost=8)

    def add(self, line: str) -> None:
        """Add a line of wikitext."""
        stripped = line.strip()
        if stripped.startswith("|-"):
            self._end_row()
        elif stripped.startswith("|+"):
            self._end_row()
            self._loose = Lines()
            self._loose.add(_without_attributes(stripped[2:])[1])
        elif stripped.startswith(("|", "!")):
            self._add_cells(stripped)
        else:
            self.cell().add(line)

    def cell(self) -> Lines:
        """Return the lines that the next text belongs to: the last cell, or the caption."""
        if self._row:
            return self._row[-1].lines
        if self._loose is None:
            self._loose = Lines()
        return self._loose

    def finish(self) -> list[str]:
        """Close the table and return its lines."""
        self._end_row()
        return self._lines

    def _add_cells(self, line: str) -> None:
        self._end_loose()
        is_header = line[0] == "!"
        content = line[1:]
        if is_header:
            content = content.replace("!!", "||")
        for text in content.split("||"):
            attributes, text = _without_attributes(text)
            cell = _Cell(is_header, _span(_ROWSPAN, attributes), _span(_COLSPAN, attributes))
            cell.lines.add(text.strip())
            self._row.append(cell)

    def _end_loose(self) -> None:
        if self._loose is not None:
            self._lines.extend(line for line in self._loose.finish() if line.strip())
            self._loose = None

    def _end_row(self) -> None:
        self._end_loose()
        if not self._row:
            return
        cells = [
            (cell, [line for line in cell.lines.finish() if line.strip()]) for cell in self._row
        ]
        self._row = []
        if any(_is_layout(lines) for _, lines in cells):
            for _, lines in cells:
                self._lines.extend(lines)
            return
        texts = self._spans.fill_row(
            (_cell_text(lines), cell.rows, min(cell.columns, _MAX_COLUMNS)) for cell, lines in cells
        )
        while texts and not texts[-1]:
            texts.pop()
        if any(texts):
            self._lines.append(_row_line([cell for cell, _ in cells], texts))


def _without_attributes(text: str) -> tuple[str, str]:
    """Split a cell such as `rowspan=2 | text` into attributes and text."""
    attributes, pipe, rest = text.partition("|")
    if pipe:
        return attributes, rest
    # `colspan=2 {{n/a}}`: on the wiki the template contains the pipe, in our expansion it does not.
    match = _ATTRIBUTES.match(text)
    return (match[0], text[match.end() :]) if match else ("", text)


def _span(pattern: re.Pattern[str], attributes: str) -> int:
    match = pattern.search(attributes)
    return max(int(match[1]), 1) if match else 1


def _is_layout(lines: list[str]) -> bool:
    return len(lines) > 6 or any(len(line) > _MAX_CELL_LENGTH for line in lines)


def _cell_text(lines: list[str]) -> str:
    """Join the lines of a cell: `1934 (7th)`, `Hans Dreier; Roland Anderson`."""
    items = [_without_heading(line).strip().removeprefix("- ") for line in lines]
    return "; ".join(items).replace("; (", " (")


def _without_heading(line: str) -> str:
    return line.strip(f"{HEADING}= ") if line.startswith(HEADING) else line


def _row_line(cells: list[_Cell], texts: list[str]) -> str:
    """Write a row: `Key: value` for a header cell and one value, otherwise cells between ` | `."""
    if len(cells) == len(texts) == 2 and cells[0].is_header and not cells[1].is_header:
        key = texts[0].rstrip(":")
        return f"{key}: {texts[1]}" if key else texts[1]
    return _SEPARATOR.join(texts).lstrip()

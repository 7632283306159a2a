"""Tables as lines of text: one row a line, its cells between ` | `."""

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
_LONGEST_CELL = 400  # characters; a row with a longer one is layout, not data
_LONGEST_REPEATED = 120
_MOST_COLUMNS = 100


def starts_table(line: str) -> bool:
    """Whether a line, without what indents it, opens a table."""
    return line.startswith("{|")


@dataclass(slots=True)
class _Cell:
    """A cell while it is read."""

    is_header: bool = False
    rows: int = 1
    columns: int = 1
    lines: Lines = field(default_factory=lambda: Lines(in_cell=True))


class Table:
    """A table while it is read.

    Args:
        budget: How many characters cells over several rows may be repeated by; shared by all
            tables of a page, and used up.
    """

    def __init__(self, budget: list[int]) -> None:
        self._lines: list[str] = []
        self._row: list[_Cell] = []
        self._loose: Lines | None = None  # a caption, or text before the first cell
        self._spans = RowSpans(budget, longest=_LONGEST_REPEATED, cost=8)

    def add(self, line: str) -> None:
        """Read a line."""
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
        """What text belongs to that comes now: the last cell, or the space before the first."""
        if self._row:
            return self._row[-1].lines
        if self._loose is None:
            self._loose = Lines()
        return self._loose

    def done(self) -> list[str]:
        """End the table, and give its lines."""
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
            self._lines.extend(line for line in self._loose.done() if line.strip())
            self._loose = None

    def _end_row(self) -> None:
        self._end_loose()
        if not self._row:
            return
        cells = [(cell, [line for line in cell.lines.done() if line.strip()]) for cell in self._row]
        self._row = []
        if any(_is_layout(lines) for _, lines in cells):
            for _, lines in cells:
                self._lines.extend(lines)
            return
        texts = self._spans.filled(
            (_cell_text(lines), cell.rows, min(cell.columns, _MOST_COLUMNS))
            for cell, lines in cells
        )
        while texts and not texts[-1]:
            texts.pop()
        if any(texts):
            self._lines.append(_row_line([cell for cell, _ in cells], texts))


def _without_attributes(text: str) -> tuple[str, str]:
    """A cell's attributes and its text: `rowspan=2 | text`."""
    attributes, pipe, rest = text.partition("|")
    if pipe:
        return attributes, rest
    # `colspan=2 {{n/a}}`: such templates bring the pipe along, and what we make of them does not.
    match = _ATTRIBUTES.match(text)
    return (match[0], text[match.end() :]) if match else ("", text)


def _span(pattern: re.Pattern[str], attributes: str) -> int:
    match = pattern.search(attributes)
    return max(int(match[1]), 1) if match else 1


def _is_layout(lines: list[str]) -> bool:
    return len(lines) > 6 or any(len(line) > _LONGEST_CELL for line in lines)


def _cell_text(lines: list[str]) -> str:
    """The lines of a cell as one: `1934 (7th)`, `Hans Dreier; Roland Anderson`."""
    items = [_without_heading(line).strip().removeprefix("- ") for line in lines]
    return "; ".join(items).replace("; (", " (")


def _without_heading(line: str) -> str:
    return line.strip(f"{HEADING}= ") if line.startswith(HEADING) else line


def _row_line(cells: list[_Cell], texts: list[str]) -> str:
    """`Key: value` for a header cell and one other; else the cells, one after the other."""
    if len(cells) == len(texts) == 2 and cells[0].is_header and not cells[1].is_header:
        key = texts[0].rstrip(":")
        return f"{key}: {texts[1]}" if key else texts[1]
    return _SEPARATOR.join(texts).lstrip()

"""Convert the rows of an HTML table to lines of text."""

from __future__ import annotations

from dataclasses import dataclass, field

from wikirank.corpus.row_spans import RowSpans

_MAX_CELL_LENGTH = 300  # characters; a longer cell is a page column, not a value
_MAX_REPEATED_LENGTH = 80  # characters; a longer cell is not repeated in each row that it spans
_MAX_SPAN = 1000
_BAR = " | "


@dataclass(slots=True)
class Cell:
    """A table cell, its lines, and the number of rows and columns that it spans."""

    is_header: bool
    rows: int
    columns: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines on one line, separated by commas, or by spaces in a header cell."""
        lines = [line for line in self.lines if line]  # A `<pre>` has empty ones.
        if self.is_header:
            return " ".join(lines)
        text = ""
        for line in lines:
            plain = not text or text.endswith((",", ";", ":", "(", "/", "-", "–", "—"))
            text += line if not text else f"{'' if plain or line[0] in '(,;/' else ','} {line}"
        return text


def span(value: str | None) -> int:
    """Parse a `rowspan` or `colspan`; 1 if it is missing or not a number."""
    value = (value or "").strip()
    return max(1, min(int(value), _MAX_SPAN)) if value.isdecimal() and len(value) < 6 else 1


class Table:
    """Collects the cells of a table, row by row.

    Args:
        budget: Most characters that repeating cells with a rowspan may add.
    """

    def __init__(self, budget: int) -> None:
        self._budget = [budget]
        self._row: list[Cell] = []
        self._spans = RowSpans(self._budget, max_chars=_MAX_REPEATED_LENGTH, cost=len(_BAR))

    @property
    def budget(self) -> int:
        """The rest of the budget, for the next table."""
        return self._budget[0]

    def add(self, cell: Cell) -> None:
        """Add the next cell of the row."""
        self._row.append(cell)

    def end_row(self) -> list[str]:
        """End the row and return it as one line, or all lines of its cells if a cell is long."""
        row, self._row = self._row, []
        if not row:
            return []
        if any(_is_page_column(cell) for cell in row):
            return [line for cell in row for line in cell.lines]
        values = self._spans.fill_row((cell.text, cell.rows, cell.columns) for cell in row)
        filled = [value for value in values if value]
        if len(filled) == 2 and len(row) == 2 and row[0].is_header and not row[1].is_header:
            return [f"{filled[0].removesuffix(':')}: {filled[1]}"]
        return [_BAR.join(values).strip(" |")] if filled else []


def _is_page_column(cell: Cell) -> bool:
    return sum(map(len, cell.lines)) > _MAX_CELL_LENGTH

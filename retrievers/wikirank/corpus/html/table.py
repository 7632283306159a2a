"""Rows of an HTML table made into lines of text."""

from __future__ import annotations

from dataclasses import dataclass, field

from wikirank.corpus.row_spans import RowSpans

_LONG_CELL = 300  # characters; a cell of more is a column of a page, not a value
_MOST_REPEATED = 80  # characters of a cell that stands for several rows
_MOST_SPANNED = 1000
_BAR = " | "


@dataclass(slots=True)
class Cell:
    """One cell: `th` or `td`, its lines, and how many rows and columns it covers."""

    is_header: bool
    rows: int
    columns: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines in one: joined by commas, as a list is, or by spaces in a header."""
        if self.is_header:
            return " ".join(self.lines)
        text = ""
        for line in self.lines:
            plain = not text or text.endswith((",", ";", ":", "(", "/", "-", "–", "—"))
            text += line if not text else f"{'' if plain or line[0] in '(,;/' else ','} {line}"
        return text


def span(value: str | None) -> int:
    """The number in a `rowspan` or `colspan`; 1 where it is none."""
    value = (value or "").strip()
    return max(1, min(int(value), _MOST_SPANNED)) if value.isdecimal() and len(value) < 6 else 1


class Table:
    """Takes the cells of one table, row by row.

    Args:
        budget: Characters that cells which cover several rows may add by being repeated.
    """

    def __init__(self, budget: int) -> None:
        self._budget = [budget]
        self._row: list[Cell] = []
        self._spans = RowSpans(self._budget, longest=_MOST_REPEATED, cost=len(_BAR))

    @property
    def budget(self) -> int:
        """What is left of the budget."""
        return self._budget[0]

    def add(self, cell: Cell) -> None:
        """Take the next cell of the row."""
        self._row.append(cell)

    def end_row(self) -> list[str]:
        """The row as lines: one, or all the lines of its cells where one of them is long."""
        row, self._row = self._row, []
        if not row:
            return []
        if any(_is_page_column(cell) for cell in row):
            return [line for cell in row for line in cell.lines]
        values = self._spans.filled((cell.text, cell.rows, cell.columns) for cell in row)
        filled = [value for value in values if value]
        if len(filled) == 2 and len(row) == 2 and row[0].is_header and not row[1].is_header:
            return [f"{filled[0].removesuffix(':')}: {filled[1]}"]
        return [_BAR.join(values).strip(" |")] if filled else []


def _is_page_column(cell: Cell) -> bool:
    return sum(map(len, cell.lines)) > _LONG_CELL

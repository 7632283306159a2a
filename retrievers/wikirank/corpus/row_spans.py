"""Repeat table cells that span several rows in each of these rows."""

from __future__ import annotations

from collections.abc import Iterable


class RowSpans:
    """The cells of earlier rows that extend into the next one.

    Args:
        budget: A list of one number, shared by tables and counted down: characters that
            repetitions may still add.
        max_chars: Longer cells are not repeated.
        cost: Characters charged to the budget for each repetition, besides its text.
    """

    def __init__(self, budget: list[int], *, max_chars: int, cost: int) -> None:
        self._budget = budget
        self._max_chars = max_chars
        self._cost = cost
        self._spanning: dict[int, tuple[int, str]] = {}  # by column: rows left, and text

    def fill_row(self, cells: Iterable[tuple[str, int, int]]) -> list[str]:
        """Return the texts of the next row, including cells that span into it.

        Args:
            cells: Text, row span and column span of each cell of the row.

        Returns:
            The texts, from left to right.
        """
        texts: list[str] = []
        column = 0
        for text, rows, columns in cells:
            column = self._fill(texts, column)
            texts.append(text)
            if rows > 1 and len(text) <= self._max_chars:
                self._spanning[column] = (rows - 1, text)
            column += columns
        self._fill(texts, column)
        return texts

    def _fill(self, texts: list[str], column: int) -> int:
        while column in self._spanning:
            rows_left, text = self._spanning.pop(column)
            self._budget[0] -= len(text) + self._cost
            if self._budget[0] > 0:
                texts.append(text)
                if rows_left > 1:
                    self._spanning[column] = (rows_left - 1, text)
            column += 1
        return column

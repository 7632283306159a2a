"""Cells of a table that cover several rows, repeated in each of them."""

from __future__ import annotations

from collections.abc import Iterable


class RowSpans:
    """What of the rows above reaches down into the next one.

    Args:
        budget: One number, shared and used up: characters that may be added in all.
        longest: Characters of the longest cell that is repeated.
        cost: Characters that each repetition costs besides its own.
    """

    def __init__(self, budget: list[int], *, longest: int, cost: int) -> None:
        self._budget = budget
        self._longest = longest
        self._cost = cost
        self._reaching: dict[int, tuple[int, str]] = {}  # column: rows still covered, and its text

    def filled(self, cells: Iterable[tuple[str, int, int]]) -> list[str]:
        """The texts of the next row, with those that reach down into it.

        Args:
            cells: Text, rows and columns of each cell of the row.

        Returns:
            The texts, from left to right.
        """
        texts: list[str] = []
        column = 0
        for text, rows, columns in cells:
            column = self._fill(texts, column)
            texts.append(text)
            if rows > 1 and len(text) <= self._longest:
                self._reaching[column] = (rows - 1, text)
            column += columns
        self._fill(texts, column)
        return texts

    def _fill(self, texts: list[str], column: int) -> int:
        while column in self._reaching:
            left, text = self._reaching.pop(column)
            self._budget[0] -= len(text) + self._cost
            if self._budget[0] > 0:
                texts.append(text)
                if left > 1:
                    self._reaching[column] = (left - 1, text)
            column += 1
        return column

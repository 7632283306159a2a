"""The text of a page as a wiki renders it: headings, paragraphs, lists and tables, no furniture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import ClassVar

from wikirank.corpus.mediawiki.furniture import is_furniture

_VOID = frozenset({"br", "hr", "img", "wbr", "input", "link", "meta", "source", "track", "col"})
_BLOCKS = frozenset(
    {
        *("p", "div", "section", "article", "blockquote", "center", "figure", "figcaption"),
        *("dl", "caption", "header", "footer", "address", "details", "summary", "form"),
    }
)
_HEADINGS = {"h1": 2, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
# Elements that a start of one of the same group closes, where the author left them open.
_IMPLIED = ({"li"}, {"dt", "dd"}, {"td", "th"}, {"p"})
_CELL_SEPARATOR = " | "
_DEEPEST = 8  # levels of lists that are indented further


def rendered_text(html: str) -> str:
    """Make plain text of a rendered page.

    Args:
        html: What `action=parse` gives, or any HTML.

    Returns:
        Paragraphs with a blank line between them; headings as `== Heading ==` lines of two to six
        signs; items of lists on lines that begin with `-` or their number; rows of tables on
        lines, their cells parted by ` | `; formulas as their TeX. What `is_furniture` is left out.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Reads elements and writes lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line = ""
        self._marker = ""  # the bullet or number that the line began with
        self._open: list[str] = []
        self._open_count: Counter[str] = Counter()
        self._silent_from: int | None = None  # number of elements open at the one left out
        self._verbatim = False
        self._lists: list[int | None] = []  # of the open lists: last number, None for bullets
        self._cells: list[int] = []  # of the open tables: cells of the row so far
        self._term = False  # whether a term stands on the line, without what it means

    def text(self) -> str:
        """What was read."""
        self._break()
        lines = "\n".join(line.rstrip() for line in self._lines)
        return re.sub(r"\n{3,}", "\n\n", lines).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._close_implied(tag)
            self._open.append(tag)
            self._open_count[tag] += 1
        if self._silent_from is not None:
            return
        if is_furniture(tag, attributes):
            if tag not in _VOID:
                self._silent_from = len(self._open)
        elif tag in _BLOCKS or (tag in _HEADINGS and self._cells):
            self._block()
        elif tag in _HEADINGS:
            self._paragraph()
        elif tag in self._STARTS:
            self._STARTS[tag](self)
        else:
            self._formula(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if not self._open_count[tag]:
            return
        last = ""
        while last != tag:
            last = self._open.pop()
            self._open_count[last] -= 1
            if self._silent_from is None:
                self._end(last)
            elif len(self._open) < self._silent_from:
                self._silent_from = None

    def handle_data(self, data: str) -> None:
        if self._silent_from is not None:
            return
        if self._verbatim:
            *whole, self._line = (self._line + data).split("\n")
            self._lines += whole
            return
        words = re.sub(r"[ \t\r\n\f]+", " ", data)
        if not self._line or self._line.endswith(" "):
            words = words.removeprefix(" ")
        self._line += words

    def _close_implied(self, tag: str) -> None:
        last = self._open[-1] if self._open else ""
        if any(tag in group and last in group for group in _IMPLIED):
            self.handle_endtag(last)
        elif tag == "tr" and last in ("td", "th", "tr"):
            self.handle_endtag("tr")

    def _start_list(self) -> None:
        self._break_before_list()
        self._lists.append(0 if self._open[-1] == "ol" else None)

    def _start_item(self) -> None:
        tag = self._open[-1]
        if self._cells:
            self._join()
        elif tag == "dd" and self._term:
            self._line = f"{self._line.rstrip()}: "
        else:
            self._break()
            self._line = self._marker = self._bullet() if tag == "li" else ""
        self._term = False

    def _bullet(self) -> str:
        number = self._lists[-1] if self._lists else None
        indent = "  " * min(len(self._lists) - 1, _DEEPEST)
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number + 1}. "

    def _start_table(self) -> None:
        self._paragraph()
        self._cells.append(0)

    def _start_row(self) -> None:
        if len(self._cells) == 1:
            self._break()
        elif self._cells:
            self._join()
        if self._cells:
            self._cells[-1] = 0

    def _start_cell(self) -> None:
        if not self._cells:
            return
        if self._cells[-1]:
            self._line = self._line.rstrip() + _CELL_SEPARATOR
        self._cells[-1] += 1

    def _start_pre(self) -> None:
        self._paragraph()
        self._verbatim = not self._cells

    def _start_line_break(self) -> None:
        if self._cells:
            self._join()
        else:
            self._break()

    def _formula(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Write a formula's TeX, once: of its image where the wiki makes no `math` element."""
        if tag == "math":
            self._line += attributes.get("alttext", "")
            self._silent_from = len(self._open)
        elif tag == "img" and "tex" in attributes.get("class", "").split():
            self._line += attributes.get("alt", "")

    def _end(self, tag: str) -> None:
        if tag in _BLOCKS or (tag in _HEADINGS and self._cells):
            self._block()
        elif tag in _HEADINGS:
            signs, title = "=" * _HEADINGS[tag], self._line.strip()
            self._line = f"{signs} {title} {signs}" if title else ""
            self._paragraph()
        elif tag in self._ENDS:
            self._ENDS[tag](self)

    def _end_list(self) -> None:
        if self._lists:
            self._lists.pop()
        self._break_before_list()

    def _end_row(self) -> None:
        if len(self._cells) <= 1:
            self._break()

    def _end_item(self) -> None:
        if not self._cells:
            self._break()

    def _end_term(self) -> None:
        self._term = bool(self._line.strip())

    def _end_table(self) -> None:
        if self._cells:
            self._cells.pop()
        self._paragraph()

    def _end_pre(self) -> None:
        self._verbatim = False
        self._paragraph()

    def _break_before_list(self) -> None:
        if self._lists and not self._cells:
            self._break()
        else:
            self._paragraph()

    def _join(self) -> None:
        """Go on in a cell's row, where elsewhere a new line would begin."""
        line = self._line.rstrip()
        separator = "; " if line and line[-1] not in "|;:," else " "
        self._line = line + separator if line else ""

    def _block(self) -> None:
        """Begin anew, but within a cell go on in its row, and after a bullet on its line."""
        if self._lists and not self._cells:
            if self._line != self._marker:
                self._break()
        else:
            self._paragraph()

    def _break(self) -> None:
        """End the line, if anything is on it besides a bullet."""
        if self._line.strip() and self._line != self._marker:
            self._lines.append(self._line)
        self._line = self._marker = ""

    def _paragraph(self) -> None:
        """End the line and leave a blank one."""
        if self._cells:
            self._line = f"{self._line.rstrip()} " if self._line.strip() else ""
            return
        self._break()
        if self._lines and self._lines[-1]:
            self._lines.append("")

    _STARTS: ClassVar[dict[str, Callable[[_Reader], None]]] = {
        "ul": _start_list,
        "ol": _start_list,
        "li": _start_item,
        "dt": _start_item,
        "dd": _start_item,
        "table": _start_table,
        "tr": _start_row,
        "td": _start_cell,
        "th": _start_cell,
        "pre": _start_pre,
        "br": _start_line_break,
        "hr": _start_line_break,
    }
    _ENDS: ClassVar[dict[str, Callable[[_Reader], None]]] = {
        "ul": _end_list,
        "ol": _end_list,
        "li": _end_item,
        "dt": _end_term,
        "dd": _end_item,
        "tr": _end_row,
        "table": _end_table,
        "pre": _end_pre,
    }

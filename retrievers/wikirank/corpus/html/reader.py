"""Convert the events of an HTML parser to blocks of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from wikirank.corpus.html.boilerplate import is_boilerplate, words
from wikirank.corpus.html.table import Cell, Table, span
from wikirank.corpus.leftovers import DROPPED, tidied
from wikirank.errors import CorpusError

_MAX_DEPTH = 1000  # libxml2's time for an unmatched end tag grows with the depth
_BLOCKS = words(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure form header hgroup hr legend main menu p section summary tbody tfoot thead "
    "html"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MAX_HEADING_LEVEL = 6
_BREAK = "\0"  # a line break to keep; U+0000 is removed from the input
_SPACE = re.compile(r"\s+")
_SPACES = re.compile(r" {2,}")
_STACKED = re.compile(rf"\^?([^\s{_BREAK}]{{1,8}}){_BREAK}\^?([^\s{_BREAK}]{{1,8}})")
# Left by programs that removed the pronunciation from "Ada (/ˈeɪdə/; born 1815)".
_LEFT_IN_BRACKET = re.compile(r"\( ?[;,](?: [;,])* (?=[^\W_])")
_AROUND_BREAK = re.compile(f" *{_BREAK}[ {_BREAK}]*")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_EXPONENT = re.compile(r"[+\-−–]?\d{1,4}")
_BASE = re.compile(r"(?:\d|\)|(?<![^\W\d_])[^\W\d_]{1,2})$")
_DISPLAYSTYLE = re.compile(r"\{\\(?:display|text)style (.*)\}", re.DOTALL)


class PageReader:
    """A target for lxml's parser: receives its events and returns the text when closed.

    Args:
        title: Title of the article. A heading that only repeats it is left out.
        length: Length of the page in characters. Repeated table cells may add as many again.
    """

    def __init__(self, *, title: str, length: int) -> None:
        self._title = _folded(title)
        self._blocks: list[str] = []
        self._headings: list[tuple[int, int]] = []  # block index and level
        self._asides: list[str] = []  # infoboxes, held back until the lead ends
        self._sink = self._blocks
        self._line: list[str] = []
        self._ends: list[Callable[[], None]] = []  # called at the end of each open element
        self._skipped_depth = 0
        self._pre_depth = 0
        self._lists: list[int | None] = []  # number of the last item; None for bullet lists
        self._bullet = ""
        self._tables: list[tuple[Table, list[str]]] = []
        self._cells: list[Cell] = []
        self._in_superscript = False
        self._formula = ""
        self._repeat_budget = length

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Handle the start of an element."""
        if len(self._ends) + self._skipped_depth > _MAX_DEPTH:
            msg = (
                f"Expected HTML nested at most {_MAX_DEPTH} deep, got a deeper page. "
                "Leave it out: it is not a wiki page."
            )
            raise CorpusError(msg)
        if self._skipped_depth or is_boilerplate(tag, attributes):
            if not self._skipped_depth and self._line and tag not in _BLOCKS:
                self._line.append(DROPPED)
            self._skipped_depth += 1
            return
        self._ends.append(self._begin(tag, attributes))

    def end(self, tag: str) -> None:  # noqa: ARG002 - the parser passes it
        """Handle the end of an element. The parser closes all elements, in order."""
        if self._skipped_depth:
            self._skipped_depth -= 1
        else:
            self._ends.pop()()

    def data(self, text: str) -> None:
        """Handle text."""
        if self._skipped_depth:
            return
        if self._pre_depth:
            text = text.replace("\r\n", "\n").replace("\n", _BREAK)
        else:
            text = _SPACE.sub(" ", text)
        if self._in_superscript:
            self._in_superscript = False
            if _EXPONENT.fullmatch(text) and self._line and _BASE.search(self._line[-1]):
                text = f"^{text}"
        elif text.startswith("⁄") and self._line and self._line[-1].startswith("^"):
            # A fraction such as 33 1⁄3, not an exponent.
            self._line[-1] = f" {self._line[-1][1:]}"
        self._line.append(text)

    def close(self) -> str:
        """End the page and return its text."""
        self._flush()
        self._place_asides()
        # If a level-one heading is not the title, move all headings one level down.
        deeper = any(level == 1 for _, level in self._headings)
        for index, level in self._headings:
            signs = "=" * min(level + deeper, _MAX_HEADING_LEVEL)
            self._blocks[index] = f"\n{signs} {self._blocks[index]} {signs}"
        return "\n".join(self._blocks).strip("\n")

    def _begin(self, tag: str, attributes: Mapping[str, str]) -> Callable[[], None]:
        if tag in _HEADINGS:
            self._flush()
            return lambda: self._end_heading(_HEADINGS[tag])
        if tag in _BLOCKS:
            self._flush()
            return self._flush
        handler = _HANDLERS.get(tag)
        return handler(self, attributes) if handler else _do_nothing

    def _flush(self) -> None:
        """End the line and add it as a block."""
        text = self._take_line()
        if text:
            self._sink.extend((self._bullet + text).split(_BREAK))
            self._bullet = ""

    def _take_line(self) -> str:
        if not self._line:
            return ""
        text = "".join(self._line).translate(_INVISIBLE)
        self._line = []
        if self._pre_depth:
            text = text.replace(DROPPED, "")
            return _BREAK.join(map(_code_line, text.strip(_BREAK).split(_BREAK))).rstrip()
        text = _AROUND_BREAK.sub(_BREAK, _SPACE.sub(" ", text))
        if DROPPED in text:
            text = _SPACES.sub(" ", tidied(text))
        if "(" in text:
            text = _LEFT_IN_BRACKET.sub("(", text)
        return text.strip(f" {_BREAK}")

    def _end_heading(self, level: int) -> None:
        text = self._take_line().replace(_BREAK, " ")
        if not text or (level < 3 and _folded(text) == self._title):
            return
        self._bullet = ""
        if self._sink is not self._blocks:
            self._sink.append(text)
            return
        self._place_asides()
        self._headings.append((len(self._blocks), level))
        self._blocks.append(text)

    def _place_asides(self) -> None:
        self._blocks += self._asides
        self._asides.clear()

    def _begin_break(self, _: Mapping[str, str]) -> Callable[[], None]:
        self._line.append(_BREAK)
        return _do_nothing

    def _begin_pre(self, _: Mapping[str, str]) -> Callable[[], None]:
        self._flush()
        self._pre_depth += 1
        return self._end_pre

    def _end_pre(self) -> None:
        self._flush()
        self._pre_depth -= 1

    def _begin_list(self, number: int | None) -> Callable[[], None]:
        self._flush()
        self._lists.append(number)
        return self._end_list

    def _end_list(self) -> None:
        self._flush()
        self._lists.pop()

    def _begin_item(self, attributes: Mapping[str, str]) -> Callable[[], None]:
        self._flush()
        if self._cells:  # the lines of a cell are joined, without bullets
            return self._flush
        number = self._lists[-1] if self._lists else None
        if number is not None:
            number = self._lists[-1] = _number(attributes.get("value"), number + 1)
        mark = "- " if number is None else f"{number}. "
        self._bullet = "  " * (len(self._lists) - 1) + mark
        return self._end_item

    def _end_item(self) -> None:
        self._flush()
        self._bullet = ""

    def _begin_table(self, attributes: Mapping[str, str]) -> Callable[[], None]:
        self._flush()
        outer = self._sink
        if "infobox" in attributes.get("class", "").split() and outer is self._blocks:
            self._sink = self._asides
        self._tables.append((Table(self._repeat_budget), outer))
        return self._end_table

    def _end_table(self) -> None:
        self._end_row()
        table, self._sink = self._tables.pop()
        self._repeat_budget = table.budget

    def _begin_row(self, _: Mapping[str, str]) -> Callable[[], None]:
        self._flush()
        return self._end_row

    def _end_row(self) -> None:
        self._flush()
        if self._tables:
            self._sink.extend(self._tables[-1][0].end_row())

    def _begin_cell(self, attributes: Mapping[str, str], header: bool) -> Callable[[], None]:
        self._flush()
        if not self._tables:
            return self._flush
        cell = Cell(header, span(attributes.get("rowspan")), span(attributes.get("colspan")))
        outer, self._sink = self._sink, cell.lines
        self._cells.append(cell)
        return lambda: self._end_cell(outer)

    def _end_cell(self, outer: list[str]) -> None:
        self._flush()
        self._sink = outer
        self._tables[-1][0].add(self._cells.pop())

    def _begin_superscript(self, _: Mapping[str, str]) -> Callable[[], None]:
        self._in_superscript = True
        return self._end_superscript

    def _end_superscript(self) -> None:
        self._in_superscript = False

    def _begin_stack(self, attributes: Mapping[str, str]) -> Callable[[], None]:
        """Begin a span that may hold an upper index above a lower one."""
        if "inline-block" not in attributes.get("style", ""):
            return _do_nothing
        start = len(self._line)
        return lambda: self._end_stack(start)

    def _end_stack(self, start: int) -> None:
        match = _STACKED.fullmatch("".join(self._line[start:]))
        if match is None:
            return
        upper, lower = match.groups()
        if upper[0] in "+-−" and lower[0] in "+-−":  # error limits, such as "+0.2" over "−0.1"
            both = upper + lower
        elif upper[-1] in "+-−":  # a charge over a number of atoms
            both = f"{lower} {upper}"
        else:  # a time signature, such as "12" over "8"
            both = f"{upper} {lower}"
        self._line[start:] = [both]

    def _begin_quotation(self, _: Mapping[str, str]) -> Callable[[], None]:
        self._line.append('"')
        return lambda: self._line.append('"')

    def _begin_formula(self, attributes: Mapping[str, str]) -> Callable[[], None]:
        self._formula = attributes.get("alttext", "")
        if not self._formula:
            return _do_nothing
        self._line.append(_tex(self._formula))
        length = len(self._line)
        # The TeX replaces the content of the element.
        return lambda: self._line.__delitem__(slice(length, None))

    def _begin_picture(self, attributes: Mapping[str, str]) -> Callable[[], None]:
        if _is_formula(attributes) and attributes.get("alt") != self._formula:
            self._line.append(_tex(attributes.get("alt", "")))
        self._formula = ""
        return _do_nothing


_HANDLERS: dict[str, Callable[[PageReader, Mapping[str, str]], Callable[[], None]]] = {
    "br": PageReader._begin_break,
    "img": PageReader._begin_picture,
    "li": PageReader._begin_item,
    "math": PageReader._begin_formula,
    "ol": lambda self, attributes: self._begin_list(_number(attributes.get("start"), 1) - 1),
    "pre": PageReader._begin_pre,
    "q": PageReader._begin_quotation,
    "span": PageReader._begin_stack,
    "sup": PageReader._begin_superscript,
    "table": PageReader._begin_table,
    "td": lambda self, attributes: self._begin_cell(attributes, header=False),
    "th": lambda self, attributes: self._begin_cell(attributes, header=True),
    "tr": PageReader._begin_row,
    "ul": lambda self, _: self._begin_list(None),
}


def _do_nothing() -> None:
    """Handle the end of an element that needs no handling."""


def _code_line(line: str) -> str:
    line = line.expandtabs(4).rstrip()
    return f" {line}" if line.startswith("==") else line  # must not look like a heading


def _number(value: str | None, default: int) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 10 else default


def _is_formula(attributes: Mapping[str, str]) -> bool:
    classes = attributes.get("class", "").split()
    return "tex" in classes or any(name.startswith("mwe-math-fallback") for name in classes)


def _tex(formula: str) -> str:
    match = _DISPLAYSTYLE.fullmatch(formula.strip())
    return _SPACE.sub(" ", match[1] if match else formula).strip()


def _folded(text: str) -> str:
    return _SPACE.sub(" ", text.replace("_", " ")).strip().casefold()

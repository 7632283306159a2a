"""The events of an HTML parser made into blocks of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from wikirank.corpus.html.boilerplate import is_boilerplate, words
from wikirank.corpus.html.table import Cell, Table, span
from wikirank.corpus.leftovers import DROPPED, tidied
from wikirank.errors import CorpusError

_DEEPEST = 1000  # libxml2's time for an end tag that ends nothing grows with the depth
_BLOCKS = words(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure form header hgroup hr legend main menu p section summary tbody tfoot thead "
    "html"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MOST_LEVEL = 6
_BREAK = "\0"  # a line break that stays; the parser lets no U+0000 through
_SPACE = re.compile(r"\s+")
_SPACES = re.compile(r" {2,}")
_STACKED = re.compile(rf"\^?([^\s{_BREAK}]{{1,8}}){_BREAK}\^?([^\s{_BREAK}]{{1,8}})")
# As other programs leave it that took the pronunciation out of "Ada (/ˈeɪdə/; born 1815)".
_LEFT_IN_BRACKET = re.compile(r"\( ?[;,](?: [;,])* (?=[^\W_])")
_AROUND_BREAK = re.compile(f" *{_BREAK}[ {_BREAK}]*")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_EXPONENT = re.compile(r"[+\-−–]?\d{1,4}")
_BASE = re.compile(r"(?:\d|\)|(?<![^\W\d_])[^\W\d_]{1,2})$")
_DISPLAYSTYLE = re.compile(r"\{\\(?:display|text)style (.*)\}", re.DOTALL)


class PageReader:
    """A target for lxml's parser: takes its events, gives the text when closed.

    Args:
        title: The article's title.
        length: Characters of the page.
    """

    def __init__(self, *, title: str, length: int) -> None:
        self._title = _folded(title)
        self._blocks: list[str] = []
        self._headings: list[tuple[int, int]] = []  # place among the blocks, and level
        self._asides: list[str] = []  # infoboxes, until the lead is over
        self._sink = self._blocks
        self._line: list[str] = []
        self._ends: list[Callable[[], None]] = []  # what to do at the end of each open element
        self._skipped_depth = 0
        self._pre = 0
        self._lists: list[int | None] = []  # number of the last item; None: not numbered
        self._bullet = ""
        self._tables: list[tuple[Table, list[str]]] = []
        self._cells: list[Cell] = []
        self._in_superscript = False
        self._formula = ""
        self._repeat_budget = length

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if len(self._ends) + self._skipped_depth > _DEEPEST:
            msg = f"expected HTML nested at most {_DEEPEST} deep, got more: no wiki page is so deep"
            raise CorpusError(msg)
        if self._skipped_depth or is_boilerplate(tag, attributes):
            if not self._skipped_depth and self._line and tag not in _BLOCKS:
                self._line.append(DROPPED)
            self._skipped_depth += 1
            return
        self._ends.append(self._begin(tag, attributes))

    def end(self, tag: str) -> None:  # noqa: ARG002 - the parser names it
        """An element ends; the parser closes all that it opens, in order."""
        if self._skipped_depth:
            self._skipped_depth -= 1
        else:
            self._ends.pop()()

    def data(self, text: str) -> None:
        """Text."""
        if self._skipped_depth:
            return
        if self._pre:
            text = text.replace("\r\n", "\n").replace("\n", _BREAK)
        else:
            text = _SPACE.sub(" ", text)
        if self._in_superscript:
            self._in_superscript = False
            if _EXPONENT.fullmatch(text) and self._line and _BASE.search(self._line[-1]):
                text = f"^{text}"
        elif text.startswith("⁄") and self._line and self._line[-1].startswith("^"):
            self._line[-1] = f" {self._line[-1][1:]}"  # 33 1⁄3
        self._line.append(text)

    def close(self) -> str:
        """The page is over: its text."""
        self._flush()
        self._place_asides()
        # Below a heading of the first level, which is not the title, all others are its parts.
        deeper = any(level == 1 for _, level in self._headings)
        for place, level in self._headings:
            signs = "=" * min(level + deeper, _MOST_LEVEL)
            self._blocks[place] = f"\n{signs} {self._blocks[place]} {signs}"
        return "\n".join(self._blocks).strip("\n")

    def _begin(self, tag: str, attributes: Mapping[str, str]) -> Callable[[], None]:
        if tag in _HEADINGS:
            self._flush()
            return lambda: self._end_heading(_HEADINGS[tag])
        if tag in _BLOCKS:
            self._flush()
            return self._flush
        special = _SPECIAL.get(tag)
        return special(self, attributes) if special else _nothing

    def _flush(self) -> None:
        """End the line: what was written since the last one becomes a block."""
        text = self._take_line()
        if text:
            self._sink.extend((self._bullet + text).split(_BREAK))
            self._bullet = ""

    def _take_line(self) -> str:
        if not self._line:
            return ""
        text = "".join(self._line).translate(_INVISIBLE)
        self._line = []
        if self._pre:
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
        return _nothing

    def _begin_pre(self, _: Mapping[str, str]) -> Callable[[], None]:
        self._flush()
        self._pre += 1
        return self._end_pre

    def _end_pre(self) -> None:
        self._flush()
        self._pre -= 1

    def _begin_list(self, number: int | None) -> Callable[[], None]:
        self._flush()
        self._lists.append(number)
        return self._end_list

    def _end_list(self) -> None:
        self._flush()
        self._lists.pop()

    def _begin_item(self, attributes: Mapping[str, str]) -> Callable[[], None]:
        self._flush()
        if self._cells:  # the cell's lines are joined
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
        """A span may hold an upper and a lower index, one above the other."""
        if "inline-block" not in attributes.get("style", ""):
            return _nothing
        start = len(self._line)
        return lambda: self._end_stack(start)

    def _end_stack(self, start: int) -> None:
        match = _STACKED.fullmatch("".join(self._line[start:]))
        if match is None:
            return
        upper, lower = match.groups()
        if upper[0] in "+-−" and lower[0] in "+-−":  # limits of an error, "+0.2" over "−0.1"
            both = upper + lower
        elif upper[-1] in "+-−":  # a charge over a number of atoms
            both = f"{lower} {upper}"
        else:  # a time signature, "12" over "8"
            both = f"{upper} {lower}"
        self._line[start:] = [both]

    def _begin_quotation(self, _: Mapping[str, str]) -> Callable[[], None]:
        self._line.append('"')
        return lambda: self._line.append('"')

    def _begin_formula(self, attributes: Mapping[str, str]) -> Callable[[], None]:
        self._formula = attributes.get("alttext", "")
        if not self._formula:
            return _nothing
        self._line.append(_tex(self._formula))
        kept = len(self._line)
        return lambda: self._line.__delitem__(slice(kept, None))

    def _begin_picture(self, attributes: Mapping[str, str]) -> Callable[[], None]:
        if _is_formula(attributes) and attributes.get("alt") != self._formula:
            self._line.append(_tex(attributes.get("alt", "")))
        self._formula = ""
        return _nothing


_SPECIAL: dict[str, Callable[[PageReader, Mapping[str, str]], Callable[[], None]]] = {
    "br": PageReader._begin_break,
    "img": PageReader._begin_picture,
    "li": PageReader._begin_item,
    "math": PageReader._begin_formula,
    "ol": lambda self, given: self._begin_list(_number(given.get("start"), 1) - 1),
    "pre": PageReader._begin_pre,
    "q": PageReader._begin_quotation,
    "span": PageReader._begin_stack,
    "sup": PageReader._begin_superscript,
    "table": PageReader._begin_table,
    "td": lambda self, given: self._begin_cell(given, header=False),
    "th": lambda self, given: self._begin_cell(given, header=True),
    "tr": PageReader._begin_row,
    "ul": lambda self, _: self._begin_list(None),
}


def _nothing() -> None:
    """What the end of most elements calls for."""


def _code_line(line: str) -> str:
    line = line.expandtabs(4).rstrip()
    return f" {line}" if line.startswith("==") else line  # it is no heading


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

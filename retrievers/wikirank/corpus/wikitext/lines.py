"""Lines of wikitext outside tables, or in one cell of a table."""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.guesses import settled
from wikirank.corpus.wikitext.inline import inline_text
from wikirank.corpus.wikitext.marks import ASIDE, BREAK, CONTINUED, DROPPED, HEADING

_LIST_SIGNS = "*#:;"
_POINT, _ENDS = re.compile(r"[,;)]|\.(?:\s|$)"), (".", "!", "?", ":", ";")
_DEEPEST = 6  # levels of lists and headings
# Of an item that begins with a dropped template, such as a citation: what joined it to the rest.
_JOINED = re.compile(rf"[ \t]*{DROPPED}(?:[{DROPPED} \t]|[,;:.–—-]+(?=[{DROPPED}\s]|$))*")


class Lines:
    """Lines of wikitext as they come, and the text they make.

    Args:
        in_cell: Whether they are those of a table's cell, which may hold a template alone.
    """

    def __init__(self, *, in_cell: bool = False) -> None:
        self._in_cell = in_cell
        self._lines: list[str] = []
        self._asides: list[str] = []  # facts of infoboxes, until the lead is over
        self._counters: list[int] = []  # of numbered lists, by depth
        self._in_paragraph = False  # whether a line may go on with the one before

    def add(self, line: str) -> None:
        """Read a line of wikitext."""
        in_paragraph, self._in_paragraph = self._in_paragraph, False
        line = settled(line, alone=self._in_cell or line.startswith(("=", ASIDE)))
        if line.startswith(ASIDE):
            self._asides.append(inline_text(line[1:]).strip())
            return
        if line[:1] in _LIST_SIGNS and line:
            self._add_item(line)
            return
        self._counters.clear()
        heading = _heading(line) if line.startswith("=") else None
        if heading is not None:
            self._place_asides()
            self._lines.append(heading)
        elif not line.startswith("----"):
            self._add_paragraph(line, in_paragraph)

    def add_ready(self, lines: list[str]) -> None:
        """Take lines of text that are finished."""
        self._in_paragraph = False
        self._lines.extend(["", *lines, ""])

    def done(self) -> list[str]:
        """The text, line by line."""
        self._place_asides()
        # As a whole: to add to a line again and again would take quadratic time.
        return "\n".join(self._lines).replace(f"\n{CONTINUED}", "").split("\n")

    def _place_asides(self) -> None:
        if self._asides:
            self._lines.extend(["", *self._asides, ""])
            self._asides = []

    def _add_paragraph(self, line: str, in_paragraph: bool) -> None:
        for part in line.split(BREAK):
            text = inline_text(part).rstrip()
            if in_paragraph and _goes_on(self._lines[-1], text):
                self._lines.append(f"{CONTINUED}{' ' if text[0].islower() else ''}{text}")
            # A line that held a template only is no paragraph's end.
            elif text or not part.strip(f"{DROPPED} \t") or DROPPED not in part:
                self._lines.append(text if part.startswith("  ") else text.strip())
            in_paragraph = False
        self._in_paragraph = bool(text) and not part.startswith(" ")

    def _add_item(self, line: str) -> None:
        body = line.lstrip(_LIST_SIGNS)
        signs = line[: len(line) - len(body)][:_DEEPEST]
        term, colon, definition = "", "", ""
        if signs[-1] == ";":
            term, colon, definition = body.partition(" : ")
        elif joined := _JOINED.match(body):
            body = body[joined.end() :]
        text = inline_text((term or body).replace(BREAK, " ")).strip()
        if colon:
            text = f"{text}: {inline_text(definition.replace(BREAK, ' ')).strip()}"
        if text:
            self._lines.append(self._bullet(signs) + text)

    def _bullet(self, signs: str) -> str:
        depth = len(signs)
        del self._counters[depth:]
        self._counters += [0] * (depth - len(self._counters))
        if signs[-1] == "#":
            self._counters[-1] += 1
            bullet = f"{self._counters[-1]}. "
        else:
            bullet = "- " if signs[-1] == "*" else ""
        indent = "  " * sum(sign in "*#" for sign in signs[:-1])
        return indent + bullet


def _goes_on(before: str, text: str) -> bool:
    """Whether a line break is within a sentence: to a reader it is a space."""
    if text[:1].islower():
        return before[-1:] not in _ENDS
    return _POINT.match(text) is not None


def _heading(line: str) -> str | None:
    """A heading line with its mark; None for any other line."""
    line = line.replace(DROPPED, "").replace(BREAK, " ").rstrip()
    before = len(line) - len(line.lstrip("="))
    after = len(line) - len(line.rstrip("="))
    level = min(before, after, _DEEPEST)
    if level < 1 or before == len(line):
        return None
    text = inline_text(line[level : len(line) - level]).strip()
    signs = "=" * level
    return f"{HEADING}{signs} {text} {signs}" if text else None

"""Lines of wikitext outside tables, or inside one table cell."""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.guesses import resolve_guesses
from wikirank.corpus.wikitext.inline import inline_text
from wikirank.corpus.wikitext.marks import ASIDE, BREAK, CONTINUED, DROPPED, HEADING

_LIST_SIGNS = "*#:;"
_STARTS_WITH_POINT = re.compile(r"[,;)]|\.(?:\s|$)")
_SENTENCE_ENDS = (".", "!", "?", ":", ";")
_MAX_DEPTH = 6  # levels of lists and headings
# A dropped template, such as a citation, at the start of an item, with the punctuation after it.
_DROPPED_START = re.compile(rf"[ \t]*{DROPPED}(?:[{DROPPED} \t]|[,;:.–—-]+(?=[{DROPPED}\s]|$))*")


class Lines:
    """Collects lines of wikitext and converts them to text.

    Args:
        in_cell: Whether the lines belong to a table cell. There a template may stand alone.
    """

    def __init__(self, *, in_cell: bool = False) -> None:
        self._in_cell = in_cell
        self._lines: list[str] = []
        self._asides: list[str] = []  # infobox facts, held back until the lead ends
        self._counters: list[int] = []  # last number of each numbered list, by depth
        self._in_paragraph = False  # whether the next line may continue this one

    def add(self, line: str) -> None:
        """Add a line of wikitext."""
        in_paragraph, self._in_paragraph = self._in_paragraph, False
        line = resolve_guesses(line, keep_alone=self._in_cell or line.startswith(("=", ASIDE)))
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

    def add_finished(self, lines: list[str]) -> None:
        """Add lines that are already plain text."""
        self._in_paragraph = False
        self._lines.extend(["", *lines, ""])

    def finish(self) -> list[str]:
        """Return the lines of text."""
        self._place_asides()
        # Join continued lines all at once: to extend a line step by step takes quadratic time.
        return "\n".join(self._lines).replace(f"\n{CONTINUED}", "").split("\n")

    def _place_asides(self) -> None:
        if self._asides:
            self._lines.extend(["", *self._asides, ""])
            self._asides = []

    def _add_paragraph(self, line: str, in_paragraph: bool) -> None:
        for part in line.split(BREAK):
            text = inline_text(part).rstrip()
            if in_paragraph and _continues(self._lines[-1], text):
                self._lines.append(f"{CONTINUED}{' ' if text[0].islower() else ''}{text}")
            # A line that held only a template does not end a paragraph.
            elif text or not part.strip(f"{DROPPED} \t") or DROPPED not in part:
                self._lines.append(text if part.startswith("  ") else text.strip())
            in_paragraph = False
        self._in_paragraph = bool(text) and not part.startswith(" ")

    def _add_item(self, line: str) -> None:
        body = line.lstrip(_LIST_SIGNS)
        signs = line[: len(line) - len(body)][:_MAX_DEPTH]
        term, colon, definition = "", "", ""
        if signs[-1] == ";":
            term, colon, definition = body.partition(" : ")
        elif dropped := _DROPPED_START.match(body):
            body = body[dropped.end() :]
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


def _continues(before: str, text: str) -> bool:
    """Return whether a line break is inside a sentence, where a reader sees a space."""
    if text[:1].islower():
        return before[-1:] not in _SENTENCE_ENDS
    return _STARTS_WITH_POINT.match(text) is not None


def _heading(line: str) -> str | None:
    """Return a heading line with its mark, or None for any other line."""
    line = line.replace(DROPPED, "").replace(BREAK, " ").rstrip()
    before = len(line) - len(line.lstrip("="))
    after = len(line) - len(line.rstrip("="))
    level = min(before, after, _MAX_DEPTH)
    if level < 1 or before == len(line):
        return None
    text = inline_text(line[level : len(line) - level]).strip()
    signs = "=" * level
    return f"{HEADING}{signs} {text} {signs}" if text else None

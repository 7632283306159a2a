"""The second step: headings, lists, paragraphs and tables, line by line."""

from __future__ import annotations

from wikirank.corpus.wikitext.lines import Lines
from wikirank.corpus.wikitext.marks import HEADING
from wikirank.corpus.wikitext.tables import Table, starts_table

# Tables within tables: each level copies the text within it once.
_DEEPEST = 20


def render_blocks(wikitext: str) -> str:
    """Make plain text of wikitext whose templates, links and tags are resolved.

    Args:
        wikitext: Headings, lists, tables, paragraphs.

    Returns:
        Text with marks of headings, and of pieces that are to be put back.
    """
    page = Lines()
    tables: list[Table] = []
    budget = [len(wikitext)]  # characters that cells over several rows may be repeated by
    for line in wikitext.split("\n"):
        stripped = line.lstrip(" \t:*")
        if starts_table(stripped):
            if len(tables) < _DEEPEST:
                tables.append(Table(budget))
        elif not tables:
            page.add(line)
        elif stripped.startswith("|}"):
            closed = tables.pop()
            _add_table(closed, stripped[2:], tables, page)
        else:
            tables[-1].add(line)
    while tables:
        _add_table(tables.pop(), "", tables, page)
    return _joined(page.done())


def _add_table(closed: Table, rest: str, tables: list[Table], page: Lines) -> None:
    """Put a finished table into the one around it, or on the page."""
    outer = tables[-1].cell() if tables else page
    outer.add_ready(closed.done())
    if rest.strip():
        outer.add(rest)


def _joined(lines: list[str]) -> str:
    """Join lines; blank ones do not repeat, and one stands before each heading."""
    kept: list[str] = []
    for line in lines:
        text = line.strip()
        if (not text or text.startswith(HEADING)) and kept and kept[-1]:
            kept.append("")
        if text:
            kept.append(line)
    return "\n".join(kept).strip("\n")


def without_marks(text: str) -> str:
    """Finish a text: no line but a heading may look like one.

    Args:
        text: What `render_blocks` gave, with the pieces put back that were kept as they are.

    Returns:
        The text.
    """
    return "\n".join(
        line[1:] if line.startswith(HEADING) else f" {line}" if line.startswith("==") else line
        for line in text.split("\n")
    )

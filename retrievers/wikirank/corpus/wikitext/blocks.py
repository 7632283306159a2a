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
        Text with the marks of pieces that are to be put back; at most one blank line in a row.
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
    """Join lines; only headings may begin like one, and blank lines do not repeat."""
    kept: list[str] = []
    for line in lines:
        if line.startswith(HEADING):
            if kept and kept[-1]:
                kept.append("")
            kept.append(line[1:])
        elif not line.strip():
            if kept and kept[-1]:
                kept.append("")
        else:
            kept.append(f" {line}" if line.startswith("==") else line)
    return "\n".join(kept).strip("\n")

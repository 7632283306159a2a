"""Split articles into sections at their heading lines."""

from __future__ import annotations

from collections.abc import Sequence

from wikirank.types import Section

_MIN_LEVEL, _MAX_LEVEL = 2, 6


def split_sections(text: str) -> list[Section]:
    """Split an article's text into sections at its heading lines.

    A heading is a line such as `== History ==`, with two to six equals signs on each side and
    only white space after it. As in MediaWiki, the level is the smaller of the two counts, and
    extra signs belong to the heading. The parent of a section is the nearest heading above it with
    a smaller level, so levels may be skipped.

    Args:
        text: Plain text with heading lines.

    Returns:
        The sections in reading order, the lead first (its path is empty). Sections without text
        of their own are left out; two sections may have the same path. Blank lines around a
        section's text are removed.
    """
    sections: list[Section] = []
    open_headings: list[tuple[int, str]] = []
    lines: list[str] = []
    for line in text.split("\n"):
        heading = _heading(line)
        if heading is None:
            lines.append(line)
            continue
        _close(sections, open_headings, lines)
        lines = []
        while open_headings and open_headings[-1][0] >= heading[0]:
            open_headings.pop()
        open_headings.append(heading)
    _close(sections, open_headings, lines)
    return sections


def _heading(line: str) -> tuple[int, str] | None:
    """Return the level and text of a heading line; None for any other line."""
    if not line.startswith("=="):
        return None
    line = line.rstrip()
    before = len(line) - len(line.lstrip("="))
    after = len(line) - len(line.rstrip("="))
    level = min(before, after, _MAX_LEVEL)
    if level < _MIN_LEVEL or before == len(line):
        return None
    title = line[level : len(line) - level].strip()
    return (level, title) if title else None


def _close(
    sections: list[Section], open_headings: Sequence[tuple[int, str]], lines: Sequence[str]
) -> None:
    """Append the section that consists of `lines`, unless they are all blank."""
    with_text = [number for number, line in enumerate(lines) if line.strip()]
    if with_text:
        body = "\n".join(lines[with_text[0] : with_text[-1] + 1])
        sections.append(Section(tuple(title for _, title in open_headings), body))

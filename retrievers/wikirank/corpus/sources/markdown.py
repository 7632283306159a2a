"""Markdown headings made into wiki headings."""

from __future__ import annotations

import re

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_CLOSING_SIGNS = re.compile(r"(?:^|[ \t])#+$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def wiki_text(markdown: str) -> tuple[str, str]:
    """Make `#` headings outside fenced code into `==` headings, and take the title from the first.

    Args:
        markdown: The document.

    Returns:
        The text of the first `#` heading (empty if there is none), and the document, in which
        `## A` has become `== A ==` and so on to the sixth level. The heading that gave the title
        is left out if it is the document's first; any other `#` heading is made `== … ==`.
    """
    title = ""
    lines: list[str] = []
    fence = ""
    headings = 0
    for line in markdown.split("\n"):
        fence, was_fenced = _next_fence(line, fence), bool(fence)
        found = None if fence or was_fenced else _heading(line)
        if found is None:
            lines.append(line)
            continue
        headings += 1
        level, heading = found
        if level == 1 and not title:
            title = heading
            if headings == 1:
                continue
        signs = "=" * max(level, 2)
        lines.append(f"{signs} {heading} {signs}")
    return title, "\n".join(lines)


def _heading(line: str) -> tuple[int, str] | None:
    """Level and text of an ATX heading; None for any other line or an empty heading."""
    match = _HEADING.fullmatch(line.rstrip())
    if match is None:
        return None
    heading = _CLOSING_SIGNS.sub("", match[2].strip()).strip()
    return (len(match[1]), heading) if heading else None


def _next_fence(line: str, fence: str) -> str:
    """The code fence that is open after this line, given the one open before it; "" is none."""
    match = _FENCE.fullmatch(line.rstrip())
    if match is None:
        return fence
    marks, info = match[1], match[2]
    if not fence:
        return "" if marks[0] == "`" and "`" in info else marks
    closes = marks[0] == fence[0] and len(marks) >= len(fence) and not info
    return "" if closes else fence

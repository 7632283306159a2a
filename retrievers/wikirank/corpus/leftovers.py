"""Clean up after pieces dropped from a line: empty brackets, lone commas, spaces."""

from __future__ import annotations

import re

DROPPED = "\x01"  # marks the place of a dropped piece
# Such as "(  ; born 1815)" and "word ,", if they contain the mark. The lookbehinds let a match
# begin only where a run begins: a long run would otherwise take quadratic time.
_EMPTY_BRACKETS = re.compile(rf" ?\([{DROPPED} ,;:/]+\)")
_AFTER_BRACKET = re.compile(rf"\([{DROPPED} ,;:/]+")
_BEFORE_BRACKET = re.compile(rf"(?<![{DROPPED} ,;:])[{DROPPED} ,;:]+\)")
_BEFORE_POINT = re.compile(rf"(?<![{DROPPED} ])[{DROPPED} ]+(?=[.,;:!?)])")


def tidied(line: str) -> str:
    """Remove the marks of dropped pieces, and the brackets and spaces left around them."""
    line = _EMPTY_BRACKETS.sub(lambda match: _replace_marked(match[0], DROPPED), line)
    line = _AFTER_BRACKET.sub(lambda match: _replace_marked(match[0], "("), line)
    line = _BEFORE_BRACKET.sub(lambda match: _replace_marked(match[0], ")"), line)
    line = _BEFORE_POINT.sub(lambda match: _replace_marked(match[0], ""), line)
    return line.replace(DROPPED, "")


def _replace_marked(text: str, replacement: str) -> str:
    return replacement if DROPPED in text else text

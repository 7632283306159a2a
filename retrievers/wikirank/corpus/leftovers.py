"""What a piece that is dropped from a line leaves behind: empty brackets, lone commas, spaces."""

from __future__ import annotations

import re

DROPPED = "\x01"  # where the piece was
# "(  ; born 1815)" and "word ,", if the mark is among it. Each is looked for from its beginning
# only: a long run would otherwise take quadratic time.
_EMPTY_BRACKETS = re.compile(rf" ?\([{DROPPED} ,;:/]+\)")
_AFTER_BRACKET = re.compile(rf"\([{DROPPED} ,;:/]+")
_BEFORE_BRACKET = re.compile(rf"(?<![{DROPPED} ,;:])[{DROPPED} ,;:]+\)")
_BEFORE_POINT = re.compile(rf"(?<![{DROPPED} ])[{DROPPED} ]+(?=[.,;:!?)])")


def tidied(line: str) -> str:
    """Take the marks of dropped pieces out, with the brackets and spaces that they leave."""
    line = _EMPTY_BRACKETS.sub(lambda match: _unless_marked(match[0], DROPPED), line)
    line = _AFTER_BRACKET.sub(lambda match: _unless_marked(match[0], "("), line)
    line = _BEFORE_BRACKET.sub(lambda match: _unless_marked(match[0], ")"), line)
    line = _BEFORE_POINT.sub(lambda match: _unless_marked(match[0], ""), line)
    return line.replace(DROPPED, "")


def _unless_marked(text: str, replacement: str) -> str:
    return replacement if DROPPED in text else text

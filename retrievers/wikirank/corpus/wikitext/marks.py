"""Control characters that pass marks to later steps; they are removed from the input first."""

from __future__ import annotations

import re

from wikirank.corpus.leftovers import DROPPED as DROPPED  # in place of a template or reference

LITERAL = "\x00"  # around the number of a piece of text that stays unparsed
BREAK = "\x02"  # a line break within a line of wikitext
HEADING = "\x03"  # before a heading line
CONTINUED = "\x06"  # before a line that continues the one before
SUP, SUP_END = "\x04", "\x05"  # around superscript text
GUESS, GUESS_END = "\x07", "\x08"  # around the possible text of an unknown template
EQUALS = "\x10"  # an equals sign inside an expanded template or link: it names no argument
ASIDE = "\x0e"  # before a line that moves behind the lead, such as an infobox fact
TABLE_END = "\x0f"  # where a template closes a table, if one is open

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def without_controls(text: str) -> str:
    """Remove control characters except tabs and line feeds; carriage returns become line feeds."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))

"""Control characters that stand for what later steps decide on; wikitext itself holds none."""

from __future__ import annotations

import re

from wikirank.corpus.leftovers import DROPPED as DROPPED  # where a template or reference was

LITERAL = "\x00"  # around the number of a piece of text that is kept as it is
BREAK = "\x02"  # a line break within a line of wikitext
HEADING = "\x03"  # before a heading line
CONTINUED = "\x06"  # before a line that goes on with the one before
SUP, SUP_END = "\x04", "\x05"  # around superscript text
GUESS, GUESS_END = "\x07", "\x08"  # around what a template that is not known may say
EQUALS = "\x10"  # an equals sign of a template or link within a template: names no argument
ASIDE = "\x0e"  # before a line that follows the lead, as the facts of an infobox do
TABLE_END = "\x0f"  # where a template ends a table, if one is open

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def without_controls(text: str) -> str:
    """Take control characters but tabs and line feeds out of a text; a carriage return is one."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))

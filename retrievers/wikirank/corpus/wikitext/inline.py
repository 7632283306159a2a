"""Text within a line: quotes, external links, entities, and the leftovers of dropped pieces."""

from __future__ import annotations

import re

from wikirank.corpus.leftovers import tidied
from wikirank.corpus.wikitext.marks import DROPPED, SUP, SUP_END
from wikirank.corpus.wikitext.tags import decode_entities

_SCHEME = r"(?:(?:https?|ftps?|ircs?|git|svn|news|gopher|sftp|ssh|telnet)://|//|mailto:)"
_EXTERNAL = re.compile(rf"\[{_SCHEME}[^\s\[\]]*[ \t]*([^\[\]]*)\]", re.IGNORECASE)
_QUOTES = re.compile(r"'{2,}")
_POWER = re.compile(rf"(?<=[\w)\]]){SUP}([+\-−–]?(?:[0-9]{{1,4}}|[nijkxm]))\s*{SUP_END}")
_SPACES = re.compile(
    r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]{2,}|[\t\u00a0\u2000-\u200a\u202f]"
)
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
_TABLE_MARKS = re.compile(r"^[ ]*(?:\{\|[ ]*)+")


def inline_text(line: str) -> str:
    """Convert a line, or a part of one, to plain text.

    Args:
        line: Wikitext without templates, internal links, tags or line ends.

    Returns:
        Plain text.
    """
    if "''" in line:
        line = _without_quotes(line)
    if "[" in line:
        line = _EXTERNAL.sub(lambda match: match[1] or DROPPED, line)
    if SUP in line or SUP_END in line:
        line = _POWER.sub(r"^\1", line).replace(SUP, "").replace(SUP_END, "")
    line = _INVISIBLE.sub("", decode_entities(line)).replace("\n", " ")
    line = _without_leftovers(line)
    if DROPPED in line:
        line = tidied(line)
    line = _TABLE_MARKS.sub("", line)
    text = _SPACES.sub(" ", line)
    # Indented lines are code: keep the indentation.
    indent = len(line) - len(line.lstrip(" "))
    return line[:indent] + text.lstrip(" ") if indent > 1 else text


def _without_leftovers(line: str) -> str:
    """Remove brackets of templates and links that were never opened or closed.

    Closing brackets stay if the line balances them: `a[b[0]]` is code.
    """
    if "{{" in line or "[[" in line:
        line = line.replace("{{", "").replace("[[", "")
    if "]]" in line and line.count("[") != line.count("]"):
        line = line.replace("]]", "")
    if "}}" in line and line.count("{") != line.count("}"):
        line = line.replace("}}", "")
    return line


def _without_quotes(line: str) -> str:
    """Remove bold and italic marks. MediaWiki's doQuotes has the same rules for apostrophes."""
    pieces = _QUOTES.split(line)
    runs = [len(run) for run in _QUOTES.findall(line)]
    apostrophes = [int(run == 4 or run > 5) for run in runs]
    bold = [number for number, run in enumerate(runs) if run in (3, 4)]
    fives = sum(run >= 5 for run in runs)
    italics = sum(run == 2 for run in runs) + fives
    if (len(bold) + fives) % 2 and italics % 2 and bold:
        apostrophes[_apostrophe_run(pieces, bold)] += 1
    text = [pieces[0]]
    for count, piece in zip(apostrophes, pieces[1:], strict=True):
        text.append("'" * count + piece)
    return "".join(text)


def _apostrophe_run(pieces: list[str], bold: list[int]) -> int:
    """Choose the run of three that is an apostrophe plus italics: `l'''amour''`."""
    words: list[int] = []
    for run in bold:
        before = pieces[run]
        if before[-1:] not in ("", " "):
            if before[-2:-1] in ("", " "):
                return run
            words.append(run)
    return words[0] if words else bold[0]

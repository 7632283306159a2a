"""Text within a line: quotes, external links, entities, and what dropped pieces leave behind."""

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
    """Make text of a piece of a line.

    Args:
        line: Wikitext without templates, links, tags or line ends.

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
    return _indented(_SPACES.sub(" ", line), line)


def _indented(text: str, before: str) -> str:
    """Give a line its indentation back, that of code."""
    indent = len(before) - len(before.lstrip(" "))
    return before[:indent] + text.lstrip(" ") if indent > 1 else text


def _without_leftovers(line: str) -> str:
    """Take out brackets of templates and links that never opened or closed.

    Closing ones stay where the line itself balances them: `a[b[0]]` is code.
    """
    if "{{" in line or "[[" in line:
        line = line.replace("{{", "").replace("[[", "")
    if "]]" in line and line.count("[") != line.count("]"):
        line = line.replace("]]", "")
    if "}}" in line and line.count("{") != line.count("}"):
        line = line.replace("}}", "")
    return line


def _without_quotes(line: str) -> str:
    """Take the marks of bold and italic text out, as MediaWiki's doQuotes tells them from '."""
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
    """Which of the runs of three is an apostrophe and italics: `l'''amour''`."""
    words: list[int] = []
    for run in bold:
        before = pieces[run]
        if before[-1:] not in ("", " "):
            if before[-2:-1] in ("", " "):
                return run
            words.append(run)
    return words[0] if words else bold[0]

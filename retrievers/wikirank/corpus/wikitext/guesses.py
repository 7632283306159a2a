"""Text of templates that we do not know: kept within a sentence, dropped elsewhere.

A template's arguments are read before what follows it is: so a guess is marked, and the line that
it stands in decides.
"""

from __future__ import annotations

import re

from wikirank.corpus.wikitext.arguments import Arguments
from wikirank.corpus.wikitext.marks import (
    ASIDE,
    BREAK,
    DROPPED,
    GUESS,
    GUESS_END,
    LITERAL,
    SUP,
    SUP_END,
)
from wikirank.corpus.wikitext.names import is_language

_LONGEST = 60  # characters; longer text is kept where it is a sentence of its own
_MOST = 4  # arguments
_MARKS = re.compile(f"[{GUESS}{GUESS_END}]")
_GUESS = re.compile(f"{GUESS}([^{GUESS}{GUESS_END}]*){GUESS_END}")
_LETTER = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"[+\-−]?[0-9][0-9.,\s]*")
# What is no text: lengths, colours, numbers of records, files, addresses, settings.
_SETTING = re.compile(
    r"""[0-9.]+\s*(?:px|em|ex|pt|vw|%px) | \#[0-9a-f]{3,8} | 0[0-9]{2,} | [a-z]{2}[0-9]{4,}
    | [^\s/]*/[^\s/]*/[^\s]* | [^\s]*:// .* | [^\s]*_[^\s]* | .*\.(?:jpe?g|png|svg|gif|og[gv]|pdf)
    | (?=[a-z]*[0-9])(?=[0-9-]*[a-z])[0-9a-z-]{9,}
    | yes|no|y|n|true|false|left|right|center|centre|none|on|off|small|nocat|collapsed|mdy|dmy|auto
    | link|nolink|inline|title|display|expanded|autocollapse|short|long""",
    re.IGNORECASE | re.VERBOSE,
)
_NAMES = re.compile(
    r"""^data\s|(?:^|[\s/-])(?:icon|note|notes|ref|refs|cite|citation|footnote|inline|needed|tag|source|
    sources|color|colour|shading|navbox|portal|commons|category|cat|stub|icone|style|anchor|row|
    chart|map|begin|start|end|top|bottom|box|banner|topic|topics|topicon|template|button|
    wiktionary|wikisource|wikiquote|gutenberg|imdb|census|sidebar|footer|hatnote)
    (?:$|[\s/?-])|\?$|сноск|примеч|脚注|註|注釈|出典|각주|حاشية|مرجع|footnote|anmerk|voetnoot""",
    re.VERBOSE,
)
# A mark behind a word or a full stop, without a space, refers to a source or is for editors.
_GLUED_BEHIND = re.compile(r"""[.,;:!?…"”»)\]]|[^\W_]""")
_WITHOUT_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_BEFORE_PROSE = f"{DROPPED}'*#:; "
_GLUED_BEFORE = re.compile(r"''|[^\W_]")


def guess(name: str, args: Arguments) -> str:
    """What a reader may see of a template that is not known.

    Args:
        name: Its normalised name.
        args: Its arguments.

    Returns:
        Its short positional arguments, between marks; empty if none is text.
    """
    if _NAMES.search(name):
        return ""
    texts = _without_languages([_MARKS.sub("", text) for text in args.filled[:_MOST]])
    said = " ".join(text for text in texts if len(text) > _LONGEST or not _SETTING.fullmatch(text))
    if not said or len(said) > _LONGEST or not said.startswith(texts[0]):
        return ""
    if any(mark in said for mark in (*"\n|=[]{}", BREAK, DROPPED, LITERAL, ASIDE, SUP, SUP_END)):
        return ""
    return f"{GUESS}{said}{GUESS_END}"


def _without_languages(texts: list[str]) -> list[str]:
    """The texts that belong to this wiki's language: `fr|eau`, `eau|en|Water`."""
    if len(texts) < 2 or _NUMBER.fullmatch(texts[0]):
        return texts
    if is_language(texts[0]):
        return texts[1:2]
    return texts[:1] if is_language(texts[1]) else texts


def settled(line: str, *, alone: bool) -> str:
    """A line with its guesses kept or dropped.

    Args:
        line: A line of wikitext, or a part of one.
        alone: Whether a guess is kept that stands alone, as in a cell of a table.

    Returns:
        The line without marks of guesses; where one is dropped, with a mark of that.
    """
    if GUESS not in line:
        return line.replace(GUESS_END, DROPPED) if GUESS_END in line else line
    has_prose = _LETTER.search(_GUESS.sub("", line)) is not None
    begins = len(line) - len(line.lstrip(_BEFORE_PROSE))

    def settle(match: re.Match[str]) -> str:
        kept = alone
        if has_prose:
            kept = _within_sentence(line, match.start(), match.end(), begins)
        return match[1] if kept else DROPPED

    return _MARKS.sub("", _GUESS.sub(settle, line))


def _within_sentence(line: str, start: int, end: int, begins: int) -> bool:
    """Whether what lies between is a word among others, not a notice before them or behind one."""
    after = line[end : end + 2]
    if _GLUED_BEFORE.match(after) and not _WITHOUT_SPACES.match(after):
        return after == "''" and start > begins
    if start <= begins:
        return True
    before = line[start - 1]
    return _GLUED_BEHIND.match(before) is None or _WITHOUT_SPACES.match(before) is not None

"""Text of unknown templates: kept inside a sentence, dropped elsewhere.

A template is read before the text that follows it. So its text is only marked as a guess, and
`resolve_guesses` decides once the whole line is known.
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

_MAX_LENGTH = 60  # characters; longer text is kept only if it is a whole sentence
_MAX_ARGUMENTS = 4
_MARKS = re.compile(f"[{GUESS}{GUESS_END}]")
_GUESS = re.compile(f"{GUESS}([^{GUESS}{GUESS_END}]*){GUESS_END}")
_LETTER = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"[+\-−]?[0-9][0-9.,\s]*")
# Values that are not text: lengths, colours, record numbers, files, addresses, settings.
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
# A template right after a word or full stop, without a space, is a reference or an editor's note.
_GLUED_BEHIND = re.compile(r"""[.,;:!?…"”»)\]]|[^\W_]""")
_WITHOUT_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_BEFORE_PROSE = f"{DROPPED}'*#:; "
_GLUED_BEFORE = re.compile(r"''|[^\W_]")


def guess(name: str, args: Arguments) -> str:
    """Guess what a reader sees of an unknown template.

    Args:
        name: Normalised name of the template.
        args: Arguments of the template.

    Returns:
        The short positional arguments between guess marks; empty if none of them is text.
    """
    if _NAMES.search(name):
        return ""
    parts = _without_languages([_MARKS.sub("", text) for text in args.filled[:_MAX_ARGUMENTS]])
    text = " ".join(
        part for part in parts if len(part) > _MAX_LENGTH or not _SETTING.fullmatch(part)
    )
    if not text or len(text) > _MAX_LENGTH or not text.startswith(parts[0]):
        return ""
    if any(mark in text for mark in (*"\n|=[]{}", BREAK, DROPPED, LITERAL, ASIDE, SUP, SUP_END)):
        return ""
    return f"{GUESS}{text}{GUESS_END}"


def _without_languages(texts: list[str]) -> list[str]:
    """Keep the text in the language of the wiki: `eau` in `fr|eau` and in `eau|en|Water`."""
    if len(texts) < 2 or _NUMBER.fullmatch(texts[0]):
        return texts
    if is_language(texts[0]):
        return texts[1:2]
    return texts[:1] if is_language(texts[1]) else texts


def resolve_guesses(line: str, *, keep_alone: bool) -> str:
    """Keep or drop each guess of a line.

    Args:
        line: A line of wikitext, or a part of one.
        keep_alone: Whether to keep a guess without text around it, for example in a table cell.

    Returns:
        The line without guess marks. A dropped guess leaves a `DROPPED` mark.
    """
    if GUESS not in line:
        return line.replace(GUESS_END, DROPPED) if GUESS_END in line else line
    has_prose = _LETTER.search(_GUESS.sub("", line)) is not None
    prose_start = len(line) - len(line.lstrip(_BEFORE_PROSE))

    def resolve(match: re.Match[str]) -> str:
        keep = keep_alone
        if has_prose:
            keep = _is_within_sentence(line, match.start(), match.end(), prose_start)
        return match[1] if keep else DROPPED

    return _MARKS.sub("", _GUESS.sub(resolve, line))


def _is_within_sentence(line: str, start: int, end: int, prose_start: int) -> bool:
    """Return whether the guess is a word of the sentence, not a note glued to a word."""
    after = line[end : end + 2]
    if _GLUED_BEFORE.match(after) and not _WITHOUT_SPACES.match(after):
        return after == "''" and start > prose_start
    if start <= prose_start:
        return True
    before = line[start - 1]
    return _GLUED_BEHIND.match(before) is None or _WITHOUT_SPACES.match(before) is not None

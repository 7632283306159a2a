"""What a tool that makes text of wikitext leaves in it, and which sentences it keeps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator

LEFTOVERS = {
    "template `{{ }}`": r"\{\{|\}\}",
    "link `[[ ]]`": r"\[\[|\]\]",
    "`[http…]`": r"\[(?:https?:)?//",
    "reference": r"</?ref(?:erences)?\b",
    "table": r"^[ \t]*(?:\{\||\|\}|\|-)|\b(?:row|col)span\s*=|\b(?:style|class)\s*=\s*[\"']",
    "other tag": r"</?(?!references|ref\b)[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>\n]*)?/?>|<!--|-->",
    "entity": r"&(?:[a-zA-Z]{2,8}|#\d+|#x[\da-fA-F]+);",
    "`''`": r"'{2,}",
    "hole `( ; )`": (
        r"\([\s,;:]*\)|\(\s*[,;:]|[,;:]\s*\)|^[ \t]*(?:- )?(?:[,;:]+|\.)(?:[ \t]|$)|^[ \t]*- [–—] "
    ),
    "file, category": (
        r"\b(?:File|Image|Category|Fails|Kategoreja|Файл|Картинка|Категория):\w"
        r"|\b(?:thumb|thumbnail|frameless|\d+px)\||^(?:thumb|thumbnail|right|left)\|"
    ),
}
"""Patterns by name; each match in the text counts."""

_COMPILED = {name: re.compile(pattern, re.MULTILINE) for name, pattern in LEFTOVERS.items()}
_SENTENCE = re.compile(
    r"(?:^|(?<=[.!?] ))[^\W\d_][^{}\[\]<>|&'=\n*#]{50,}?[.!?](?=\s|$)", re.MULTILINE
)
_NESTING = re.compile(r"\{\{|\}\}|\[\[|\]\]|^[ :]*\{\||^\|\}", re.MULTILINE)
_ASIDE = re.compile(
    r"<ref[^>/]*/>|<ref[^>]*>.*?</ref>|<!--.*?-->|<(timeline|gallery|math|code|pre|nowiki|source"
    r"|syntaxhighlight)\b.*?</\1>",
    re.DOTALL,
)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|\n")
_WORD = re.compile(r"[^\W_]+")
_SHORTEST = 40  # characters of a sentence of an extract


def leftovers(text: str) -> Counter[str]:
    """Count what is no text.

    Args:
        text: What a tool made of an article.

    Returns:
        How often each of `LEFTOVERS` is in it.
    """
    return Counter({name: len(found.findall(text)) for name, found in _COMPILED.items()})


def plain_sentences(wikitext: str) -> list[str]:
    """The sentences that no tool has a reason to change or drop.

    Args:
        wikitext: The source of an article.

    Returns:
        Those of 50 characters or more without any markup that stand outside templates, links,
        tables, references, comments and the like, white space as single spaces.
    """
    return [
        " ".join(found[0].split())
        for stretch in _stretches(_ASIDE.sub("<>", wikitext))
        for found in _SENTENCE.finditer(stretch)
    ]


def _stretches(wikitext: str) -> Iterator[str]:
    """What stands outside all brackets of templates, links and tables."""
    depth = start = 0
    for token in _NESTING.finditer(wikitext):
        if not depth:
            yield wikitext[start : token.start()]
        depth = depth + 1 if token[0].strip(" :") in ("{{", "[[", "{|") else max(depth - 1, 0)
        start = token.end()
    if not depth:
        yield wikitext[start:]


def kept(sentences: Collection[str], text: str) -> int:
    """How many sentences stand in a text word for word, white space aside."""
    flat = " ".join(text.split())
    return sum(sentence in flat for sentence in sentences)


def words(text: str) -> str:
    """A text's words in lower case, with a space between and around them."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def extract_sentences(extract: str) -> list[str]:
    """The sentences of a plain-text extract of 40 characters or more, as `words`."""
    pieces = _SENTENCE_ENDS.split(extract)
    return [words(piece) for piece in pieces if len(piece) >= _SHORTEST and piece[-1] in ".!?"]

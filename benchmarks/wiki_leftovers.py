"""Count the markup that a wikitext cleaner leaves behind, and the sentences that it keeps."""

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
"""Patterns of leftover markup by name."""

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
_SHORTEST = 40  # characters in a sentence of an extract


def leftovers(text: str) -> Counter[str]:
    """Count the matches of each of `LEFTOVERS` in the cleaned text of an article."""
    return Counter({name: len(pattern.findall(text)) for name, pattern in _COMPILED.items()})


def plain_sentences(wikitext: str) -> list[str]:
    """Return the sentences of an article's wikitext that no tool has a reason to change or drop.

    Returns:
        Sentences of 50 characters or more that have no markup and stand outside templates, links,
        tables, references, comments and the like. White space is reduced to single spaces.
    """
    return [
        " ".join(found[0].split())
        for stretch in _stretches(_ASIDE.sub("<>", wikitext))
        for found in _SENTENCE.finditer(stretch)
    ]


def _stretches(wikitext: str) -> Iterator[str]:
    """Yield the stretches of text outside all templates, links and tables."""
    depth = start = 0
    for token in _NESTING.finditer(wikitext):
        if not depth:
            yield wikitext[start : token.start()]
        depth = depth + 1 if token[0].strip(" :") in ("{{", "[[", "{|") else max(depth - 1, 0)
        start = token.end()
    if not depth:
        yield wikitext[start:]


def kept(sentences: Collection[str], text: str) -> int:
    """Count the sentences that a text contains word for word, ignoring white space."""
    flat = " ".join(text.split())
    return sum(sentence in flat for sentence in sentences)


def words(text: str) -> str:
    """Return a text's words in lower case, with a space between and around them."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def extract_sentences(extract: str) -> list[str]:
    """Return an extract's sentences of 40 characters or more, each as `words`."""
    pieces = _SENTENCE_ENDS.split(extract)
    return [words(piece) for piece in pieces if len(piece) >= _SHORTEST and piece[-1] in ".!?"]

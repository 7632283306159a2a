"""Other names of a passage's article: redirects to it, and the aliases of a note."""

from __future__ import annotations

import re

from wikirank.types import Passage, headed_text, heading

KEY = "aliases"
_WORD = re.compile(r"\w+")
# Words of aliases that every passage of an article is found by; its first is by all of them.
_MOST_WORDS = 16


def aliases_of(passage: Passage) -> list[str]:
    """The aliases in a passage's metadata; none where that key holds something else."""
    value = passage.metadata.get(KEY)
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        return []
    return [name for name in names if isinstance(name, str)]


def searched_text(passage: Passage) -> str:
    """What a passage is found by: its heading and text, and words of its aliases that both lack."""
    text = passage.headed_text
    aliases = aliases_of(passage)
    if not aliases:
        return text
    known = {word.casefold() for word in _WORD.findall(text)}
    words = {word.casefold(): word for name in aliases for word in _WORD.findall(name)}
    lacking = [word for folded, word in words.items() if folded not in known]
    kept = lacking if passage.number == 0 else lacking[:_MOST_WORDS]
    return "\n".join([text, " ".join(kept)]) if kept else text


def text_with_named_alias(passage: Passage, query: str) -> str:
    """The headed text, the title followed by the alias that the query names, if it does."""
    for name in aliases_of(passage):
        if _names(query, name) and not _names(passage.headed_text, name):
            title = f"{passage.title} ({name})" if passage.title else name
            return headed_text(heading(title, passage.section), passage.text)
    return passage.headed_text


def _names(text: str, name: str) -> bool:
    """Whether all words of a name stand in a text, one after the other."""
    words = " ".join(_WORD.findall(name.casefold()))
    return bool(words) and f" {words} " in f" {' '.join(_WORD.findall(text.casefold()))} "

"""Other names of a passage's article: titles that redirect to it, and the aliases of a note."""

from __future__ import annotations

import re

from wikirank.types import Passage, headed_text, heading

_KEY = "aliases"
_WORD = re.compile(r"\w+")
# Alias words indexed with each passage of an article; its first passage gets all of them.
_MAX_WORDS = 16


def aliases_of(passage: Passage) -> list[str]:
    """Return the aliases in a passage's metadata; empty if the key holds no string or list."""
    value = passage.metadata.get(_KEY)
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        return []
    return [name for name in names if isinstance(name, str)]


def indexed_text(passage: Passage) -> str:
    """Return the text to index: heading, text, and the words of aliases found in neither."""
    text = passage.headed_text
    aliases = aliases_of(passage)
    if not aliases:
        return text
    present = {word.casefold() for word in _WORD.findall(text)}
    words = {word.casefold(): word for alias in aliases for word in _WORD.findall(alias)}
    missing = [word for folded, word in words.items() if folded not in present]
    added = missing if passage.number == 0 else missing[:_MAX_WORDS]
    return "\n".join([text, " ".join(added)]) if added else text


def text_with_named_alias(passage: Passage, query: str) -> str:
    """Return the headed text, with the first alias that the query names added to the title."""
    for alias in aliases_of(passage):
        if _mentions(query, alias) and not _mentions(passage.headed_text, alias):
            title = f"{passage.title} ({alias})" if passage.title else alias
            return headed_text(heading(title, passage.section), passage.text)
    return passage.headed_text


def _mentions(text: str, name: str) -> bool:
    """Whether a text contains the words of a name, consecutively and in order."""
    words = " ".join(_WORD.findall(name.casefold()))
    return bool(words) and f" {words} " in f" {' '.join(_WORD.findall(text.casefold()))} "

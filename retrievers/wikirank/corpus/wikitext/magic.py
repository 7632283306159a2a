"""Variables, parser functions and behaviour switches."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SWITCHES_WORDS = """
ARCHIVEDTALK DISAMBIG EXPECTUNUSEDCATEGORY EXPECTUNUSEDTEMPLATE EXPECTWITHOUTSCANS FORCETOC
HIDDENCAT INDEX NEWSECTIONLINK NOCC NOCONTENTCONVERT NOEDITSECTION NOGALLERY NOGLOBAL NOINDEX
NONEWSECTIONLINK NOTALK NOTC NOTITLECONVERT NOTOC STATICREDIRECT TOC
"""
_SWITCHES = frozenset(_SWITCHES_WORDS.split())
_SWITCH = re.compile(r"__([A-Z]+)__")
_LONE_SWITCH = re.compile(r"^[ \t]*__[^\W\d_a-z]+(?:_[^\W\d_a-z]+)*__[ \t]*$", re.MULTILINE)
_PAGE_NAMES_WORDS = """
PAGENAME FULLPAGENAME BASEPAGENAME SUBPAGENAME ROOTPAGENAME ARTICLEPAGENAME TITLE
"""
_PAGE_NAMES = frozenset(_PAGE_NAMES_WORDS.split())
_CHARACTERS = {"!": "|", "=": "=", "(": "(", ")": ")", "'": "'", "(!": "[|", "!)": "|]", "-": ""}


def magic_words(text: str) -> tuple[str, set[str]]:
    """Remove the behaviour switches of a text; also return their names without underscores."""
    if "__" not in text:
        return text, set()
    switches = {name for name in _SWITCH.findall(text) if name in _SWITCHES}
    text = _SWITCH.sub(lambda switch: "" if switch[1] in _SWITCHES else switch[0], text)
    return _LONE_SWITCH.sub("", text), switches


def page_variable(name: str, title: str) -> str | None:
    """Return the value of a page variable or of an escaped character; None for other names."""
    return title if name in _PAGE_NAMES else _CHARACTERS.get(name)


def parser_function(name: str, arguments: Sequence[str]) -> str | None:
    """Evaluate a parser function, as far as the page alone allows.

    Args:
        name: The text before the colon.
        arguments: The text after the colon, split at the pipes.

    Returns:
        The value; empty for functions that need more than the page; None for other names.
    """
    value = arguments[0].strip()
    lowered = name.lower()
    if lowered in ("formatnum", "#formatdate", "#dateformat", "lc", "uc", "lcfirst", "ucfirst"):
        return value.lower() if lowered == "lc" else value.upper() if lowered == "uc" else value
    if lowered == "#if" and len(arguments) > 1:
        chosen = arguments[1] if value else "".join(arguments[2:3])
        return chosen.strip()
    if lowered == "#tag" and value.lower() not in ("ref", "references", "gallery"):
        return "".join(arguments[1:2])
    known = lowered.startswith("#") or name in _FUNCTIONS
    return "" if known else None


_FUNCTIONS_WORDS = """
DEFAULTSORT DEFAULTSORTKEY DEFAULTCATEGORYSORT DISPLAYTITLE SORTIERUNG ns NAMESPACE int msg
msgnw raw plural PLURAL grammar GRAMMAR gender GENDER fullurl localurl canonicalurl filepath
urlencode anchorencode padleft padright PAGESINCATEGORY NUMBEROFARTICLES PROTECTIONLEVEL
noexternallanglinks subst safesubst
"""
_FUNCTIONS = frozenset(_FUNCTIONS_WORDS.split())

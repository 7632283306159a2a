"""Tags in wikitext: which contents are kept, dropped, or left unparsed."""

from __future__ import annotations

import html
import re

from wikirank.corpus.wikitext.marks import BREAK, DROPPED, SUP, SUP_END

TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[\s/\"';][^<>]*)?)>")

# The content of these tags is not running text.
_DROPPED_WORDS = """
categorytree chart charinsert css dynamicpagelist gallery ge graph hiero imagemap includeonly
indicator inputbox mapframe maplink phonos quiz ref references score section seo style script
templatedata templatestyles timeline title
"""
DROPPED_CONTENT = frozenset(_DROPPED_WORDS.split())
# The content of these tags is text, but not wikitext.
_LITERAL_WORDS = """
nowiki pre syntaxhighlight source math chem ce
"""
LITERAL_CONTENT = frozenset(_LITERAL_WORDS.split())

_BLOCKS_WORDS = """
blockquote center dd div dl dt hr h1 h2 h3 h4 h5 h6 li ol p poem ul section article figure
figcaption caption tabber tabs
"""
_BLOCKS = frozenset(_BLOCKS_WORDS.split())
_TABLES = {
    "table": "\n{|\n", "/table": "\n|}\n", "tr": "\n|-\n", "/tr": "\n",
    "td": "\n|", "/td": "\n", "th": "\n!", "/th": "\n", "caption": "\n|+", "/caption": "\n",
}  # fmt: skip
_INLINE_WORDS = """
a abbr b bdi bdo big cite code data del dfn em font i ins kbd mark noinclude nowiki
onlyinclude q rb rbc rp rt rtc ruby s samp small span strike strong sub sup time tt u var wbr
thead tbody tfoot colgroup col img translate tvar languages ref references nobr link meta
"""
_INLINE = frozenset(_INLINE_WORDS.split())
_TAB_NAME = re.compile(r"""name\s*=\s*["']?([^"'<>|]*)""", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_SPAN = re.compile(r"""(?:row|col)span\s*=\s*["']?\s*\d+""", re.IGNORECASE)


def is_hidden(attributes: str) -> bool:
    """Return whether the attributes of a tag hide its content."""
    return "none" in attributes and _HIDDEN.search(attributes) is not None


def tag_text(closing: str, name: str, attributes: str) -> str | None:
    """Return the replacement of a tag.

    Args:
        closing: `/` for a closing tag, otherwise empty.
        name: Lower-case name of the tag.
        attributes: The rest of the tag, after the name.

    Returns:
        Marks or wikitext for later steps; None if wikitext has no such tag, so that it is text.
    """
    if closing + name in _TABLES:
        spans = " ".join(_SPAN.findall(attributes)) if name in ("td", "th") and not closing else ""
        return _TABLES[closing + name] + (f"{spans}|" if spans else "")
    if name == "br":
        return BREAK
    if name == "sup":
        return SUP_END if closing else SUP
    if name == "li" and not closing:
        return "\n* "
    if name == "tab":
        label = _TAB_NAME.search(attributes)
        return f"\n{label[1]}\n" if label else "\n"
    if name in _BLOCKS:
        return "\n"
    if name == "ref":
        return DROPPED
    is_tag = name in _INLINE or name in DROPPED_CONTENT or name in LITERAL_CONTENT
    return "" if is_tag else None


def literal_text(name: str, attributes: str, content: str) -> str:
    """Return the text of a tag whose content is not wikitext.

    Args:
        name: Lower-case name of the tag.
        attributes: The rest of the opening tag, after the name.
        content: Text between the tags.

    Returns:
        The text. Entities are decoded where MediaWiki decodes them.
    """
    if name in ("nowiki", "pre"):
        return decode_entities(content)
    if name in ("math", "chem", "ce"):
        # TeX reads `{ {` like `{{`, and later steps do not take it for a template.
        return re.sub(r"(?<=[{}])(?=[{}])", " ", " ".join(content.split()))
    return content if "inline" in attributes else content.strip("\n")


_ENTITY = re.compile(r"&(#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[a-zA-Z][a-zA-Z0-9]{1,31});")


def decode_entities(text: str) -> str:
    """Decode entities that end in a semicolon, like MediaWiki; others stay as text."""
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)

"""Convert HTML to plain text with `== Heading ==` lines."""

from __future__ import annotations

from wikirank.corpus.html.reader import PageReader
from wikirank.corpus.leftovers import DROPPED

__all__ = ["html_text"]


def html_text(html: str, *, title: str = "") -> str:
    """Convert the HTML of a page to the plain text of an article.

    Headings become `== Heading ==` lines. They move one level down if a level-one heading is not
    just the title. List items become `- item` or `1. item`, table rows `cell | cell` or
    `label: value`, formulas TeX. Text in `pre` keeps its lines. Infoboxes move behind the lead.
    Scripts, menus, edit links, tables of contents, navigation boxes, reference marks and lists,
    notes to readers and hidden elements are left out. The parser is libxml2, which accepts any
    input. The time is linear in the length.

    Args:
        html: A page, or a part of one, from MediaWiki or any other program.
        title: Title of the article. A heading that only repeats it is left out.

    Returns:
        The text, with each block on its own line; empty if there is none.

    Raises:
        CorpusError: If elements are nested more than 1,000 deep.
    """
    from lxml.etree import HTMLParser

    reader = PageReader(title=title, length=len(html))
    # With a target the parser builds no tree. So libxml2's limit of 256 levels, beyond which it
    # silently drops text, does not apply.
    parser = HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
    # libxml2 does not accept an empty string, and stops at U+0000.
    parser.feed(b"<body>" + html.replace("\0", "").replace(DROPPED, "").encode("utf-8", "replace"))
    text: str = parser.close()
    return text

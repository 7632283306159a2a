"""HTML in, plain text with `== Heading ==` lines out."""

from __future__ import annotations

from wikirank.corpus.html.reader import PageReader
from wikirank.corpus.leftovers import DROPPED

__all__ = ["html_text"]


def html_text(html: str, *, title: str = "") -> str:
    """Make the plain text of an article out of the HTML of its page.

    Headings become `== Heading ==` lines, all a level deeper where one of the first level says
    more than the title; list items `- item` or `1. item`, table rows
    `cell | cell` or `label: value`. Text in `pre` keeps its lines. Infoboxes follow the lead.
    Scripts, menus, edit links, tables of contents, navigation boxes, reference marks and lists,
    notes to readers and what a browser hides are left out; formulas are given as TeX. The
    parser is libxml2's, which takes any input; the time is linear in the length.

    Args:
        html: A page, or a part of one, as MediaWiki or any other program writes it.
        title: The article's title: a heading that only repeats it is left out.

    Returns:
        The text, each block on a line of its own; empty if there is none.

    Raises:
        CorpusError: If elements are nested more than 1,000 deep.
    """
    from lxml.etree import HTMLParser

    reader = PageReader(title=title, length=len(html))
    # With a target the parser makes no tree, so that libxml2's own limit of 256 levels, beyond
    # which it silently drops text, does not apply.
    parser = HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
    # libxml2 would see no page in an empty string, and ends at U+0000.
    parser.feed(b"<body>" + html.replace("\0", "").replace(DROPPED, "").encode("utf-8", "replace"))
    text: str = parser.close()
    return text

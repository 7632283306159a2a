"""One page of a wiki, read: its text, its categories, and what kind of page it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wikirank.corpus.wikitext.blocks import render_blocks, without_marks
from wikirank.corpus.wikitext.expand import Expansion
from wikirank.corpus.wikitext.kinds import PageKind, is_redirect_word, page_kind
from wikirank.corpus.wikitext.names import NamespaceNames

_REDIRECT = re.compile(r"\s*[#＃]([^\s:：#\[\]]{1,40})[ \t]*[:：]?[ \t]*\[\[([^\[\]|#\n]+)")
_ENGLISH = NamespaceNames()


@dataclass(frozen=True, slots=True)
class WikitextPage:
    """What a page says.

    Attributes:
        text: Plain text; sections begin with `== Heading ==` lines, lists and tables are lines.
        categories: Names of its categories, without the namespace, in the page's order.
        kind: `article`, `disambiguation`, or `list`.
        redirect: Title of the page that it sends its readers to; empty for any other page.
    """

    text: str
    categories: tuple[str, ...] = ()
    kind: PageKind = "article"
    redirect: str = ""


def read_wikitext(
    wikitext: str, *, title: str = "", names: NamespaceNames = _ENGLISH
) -> WikitextPage:
    """Read a page. Never fails; takes time linear in the length, whatever the page holds.

    Args:
        wikitext: The page's source.
        title: Its title; tells a list from an article.
        names: What its wiki calls its namespaces.

    Returns:
        The page.
    """
    target = redirect_target(wikitext)
    if target:
        return WikitextPage("", redirect=target)
    expansion = Expansion(names, title)
    expanded = expansion.expand(wikitext)
    text = without_marks(expansion.restore(render_blocks(expanded)), title=title)
    categories = tuple(dict.fromkeys(expansion.categories))
    kind = page_kind(
        title,
        templates=expansion.templates,
        magic_words=expansion.magic_words,
        categories=categories,
    )
    return WikitextPage(text, categories, kind)


def plain_text(wikitext: str, *, names: NamespaceNames = _ENGLISH) -> str:
    """The text of `read_wikitext` alone; empty for a redirect."""
    return read_wikitext(wikitext, names=names).text


def redirect_target(wikitext: str) -> str:
    """Title that a redirect leads to, without its section; empty if the page is none."""
    match = _REDIRECT.match(wikitext)
    if match is None or not is_redirect_word(match[1]):
        return ""
    return " ".join(match[2].replace("_", " ").split()).lstrip(":").strip()


def page_metadata(page: WikitextPage, aliases: Iterable[str] = ()) -> dict[str, Any]:
    """The metadata of an article that comes from a wiki page, the same from every source.

    Args:
        page: The page.
        aliases: Titles that redirect to it.

    Returns:
        `kind`, and where there are any `categories` and `aliases`, each a list of texts.
    """
    metadata: dict[str, Any] = {"kind": page.kind}
    if page.categories:
        metadata["categories"] = list(page.categories)
    known = list(dict.fromkeys(aliases))
    if known:
        metadata["aliases"] = known
    return metadata

"""Read one wiki page: its text, its categories and its kind."""

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
    """The content of a wiki page.

    Attributes:
        text: Plain text. Sections begin with `== Heading ==`; each list item and each table row
            is a line.
        categories: Category names without the namespace, in page order.
        kind: `article`, `disambiguation` or `list`.
        redirect: Target title of a redirect; empty for any other page.
    """

    text: str
    categories: tuple[str, ...] = ()
    kind: PageKind = "article"
    redirect: str = ""


def read_wikitext(
    wikitext: str, *, title: str = "", names: NamespaceNames = _ENGLISH
) -> WikitextPage:
    """Read a page. This never fails, and its time is linear in the length of the page.

    Args:
        wikitext: Source of the page.
        title: Title of the page; helps to recognise lists and disambiguations.
        names: Namespace names of the wiki. The default knows only the English ones.

    Returns:
        The content of the page.
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
    """Return only the text of `read_wikitext`; empty for a redirect."""
    return read_wikitext(wikitext, names=names).text


def redirect_target(wikitext: str) -> str:
    """Return the target title of a redirect, without a section; empty for any other page."""
    match = _REDIRECT.match(wikitext)
    if match is None or not is_redirect_word(match[1]):
        return ""
    return " ".join(match[2].replace("_", " ").split()).lstrip(":").strip()


def page_metadata(page: WikitextPage, aliases: Iterable[str] = ()) -> dict[str, Any]:
    """Return the article metadata of a wiki page. All wiki sources use the same keys.

    Args:
        page: The page.
        aliases: Titles of the redirects to the page.

    Returns:
        `kind`, and, unless empty, `categories` and `aliases` as lists of strings.
    """
    metadata: dict[str, Any] = {"kind": page.kind}
    if page.categories:
        metadata["categories"] = list(page.categories)
    if unique := list(dict.fromkeys(aliases)):
        metadata["aliases"] = unique
    return metadata

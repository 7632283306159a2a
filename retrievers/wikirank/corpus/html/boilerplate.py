"""Recognise what is not article text: menus, edit links, reference marks, scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping


def words(text: str) -> frozenset[str]:
    """Return the set of words in a text."""
    return frozenset(text.split())


_TAGS = words(
    "area audio button canvas datalist embed footer head iframe input link map meta nav noscript "
    "object option script select style svg template textarea title video"
)
# Classes of MediaWiki, of its extensions, and of templates that most wikis have.
_CLASSES = words(
    "ambox asbox authority-control autonumber catlinks dablink editsection hatnote haudio-controls "
    "jump-to-nav mainarticle mbox-small mbox-small-left mbox-text medialist messagebox metadata "
    "mw-cite-backlink mw-editsection mw-editsection-like mw-empty-elt mw-ext-cite-error "
    "mw-cite-error ombox sidebar tmbox "
    "mw-indicators mw-jump-link mw-kartographer-container mw-navigation mw-redirectedfrom "
    "mw-ref mw-references mw-references-wrap navbar navbox navbox-styles navigation-box "
    "navigation-not-searchable noexcerpt noprint pagelib_collapse_table_collapsed_bottom "
    "pagelib_collapse_table_collapsed_container pcs-collapse-table-collapsed-bottom "
    "pcs-collapse-table-collapsed-container pcs-edit-section-link pcs-edit-section-link-container "
    "persondata portal portalbox printfooter "
    "reference references reflist relarticle rellink searchaux "
    "seealso shortdescription sistersitebox spoken-wikipedia stub succession-box "
    "t-edit toc toccolours-toc toctoggle tocnumber vertical-navbox wikidata-edit Z3988"
)
_IDS = words(
    "catlinks contentSub coordinates footer jump-to-nav mw-navigation mw-page-base siteNotice "
    "siteSub toc"
)
_ROLES = words("contentinfo navigation search")
# Hidden only until the reader opens it or a script runs: sections and tables of mobile pages, which
# Kiwix archives; collapsed boxes; the MathML of a formula that is shown as a picture.
_OPENED_TAGS = words("section table")
_OPENED_CLASSES = ("mwe-math", "pcs-", "pagelib_", "NavContent", "mw-collaps")
_HIDDEN_STYLE = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)


def is_boilerplate(tag: str, attributes: Mapping[str, str]) -> bool:
    """Return whether to drop an element with everything inside it.

    Args:
        tag: Lower-case name of the element.
        attributes: Attributes of the element, by lower-case name.

    Returns:
        True for scripts, form controls, menus, tables of contents, navigation boxes, reference
        marks and lists, notes to readers and editors, and anything that a browser hides.
    """
    if tag in _TAGS:
        return True
    if not attributes:
        return False
    classes = attributes.get("class", "").split()
    if not _CLASSES.isdisjoint(classes):
        return True
    name = attributes.get("id", "")
    if name in _IDS or name.startswith("cite_ref"):
        return True
    if attributes.get("role") in _ROLES or "hidden" in attributes:
        return True
    if tag in _OPENED_TAGS or any(name.startswith(_OPENED_CLASSES) for name in classes):
        return False
    hidden = _HIDDEN_STYLE.search(attributes.get("style", ""))
    return hidden is not None or attributes.get("aria-hidden") == "true"

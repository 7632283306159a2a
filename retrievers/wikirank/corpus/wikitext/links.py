"""Links: their label and category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wikirank.corpus.wikitext.names import NamespaceNames, is_language


@dataclass(frozen=True, slots=True)
class Link:
    """The visible part of a link.

    Attributes:
        text: Label; empty for files, categories and links to other languages.
        categories: The category that the link puts the page into, if any.
    """

    text: str
    categories: tuple[str, ...] = ()


def read_link(parts: Sequence[str], names: NamespaceNames) -> Link:
    """Read a link.

    Args:
        parts: The text between the brackets, split at the pipes; the target comes first.
        names: Namespace names of the wiki.

    Returns:
        The label and the category.
    """
    target = parts[0].strip()
    if "\n" in target:  # brackets around text, not a link
        return Link("|".join(parts))
    shown = target.startswith(":")
    target = target.lstrip(":").strip()
    prefix, colon, rest = target.partition(":")
    if colon and not shown:
        if names.is_category(prefix):
            name = " ".join(rest.replace("_", " ").split())
            return Link("", (name,) if name else ())
        if names.is_file(prefix, rest) or is_language(prefix):
            return Link("")
    label = "|".join(parts[1:]) if len(parts) > 1 else target.removeprefix("#")
    if not label.strip() and len(parts) > 1:
        label = _without_qualifier(target)
    return Link(label)


def _without_qualifier(target: str) -> str:
    """Shorten `Kite (toy)` to `Kite`, the label that MediaWiki gives `[[Kite (toy)|]]`."""
    name = target.partition(":")[2] or target
    return name.partition(" (")[0].strip()

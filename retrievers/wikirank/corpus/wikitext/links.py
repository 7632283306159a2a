"""Links: what a reader sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wikirank.corpus.wikitext.names import NamespaceNames, is_language


@dataclass(frozen=True, slots=True)
class Link:
    """What is left of a link.

    Attributes:
        text: Its label; empty for files, categories and links to other languages.
        categories: The category that it puts the page into, if any.
    """

    text: str
    categories: tuple[str, ...] = ()


def read_link(parts: Sequence[str], names: NamespaceNames) -> Link:
    """Read the parts of a link, between its brackets and pipes.

    Args:
        parts: The target, then what follows each pipe.
        names: What the wiki calls its namespaces.

    Returns:
        The label and the category.
    """
    target = parts[0].strip()
    if "\n" in target:  # no link, but brackets around text
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
    """`Kite (toy)` as `Kite`, the label that MediaWiki gives `[[Kite (toy)|]]`."""
    name = target.partition(":")[2] or target
    return name.partition(" (")[0].strip()

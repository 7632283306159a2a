"""Find pages of an index by title or address, and read their passages in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from wikirank.index.index import WikiIndex
from wikirank.index.normalise import without_marks
from wikirank.index.store import PassageStore
from wikirank.passages.splitters import SentenceSplitter
from wikirank.types import HEADING_SEPARATOR, Passage

_DISTINCT_PAGES = (
    "SELECT DISTINCT source, article, title FROM passages WHERE {} ORDER BY source, article"
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of an index.

    Attributes:
        source: Name of the page's source.
        article: Key of the article within the source.
        title: The page's title; empty if unknown.
    """

    source: str
    article: str
    title: str


def find_pages(store: PassageStore, name: str) -> list[Page]:
    """Look up pages by title or address.

    Titles are first compared exactly, then ignoring case and accents, with underscores as spaces.
    An anchor after `#` is ignored unless a title contains it.

    Args:
        store: The passages.
        name: A title or an address, such as `Ada Lovelace` or `https://…/Ada_Lovelace#Life`;
            `https://` may be left out.

    Returns:
        The pages: none if there is no such page, several if sources share the title.
    """
    name = name.strip()
    base = name.partition("#")[0]
    if "://" in name:
        return _pages_at(store, name)
    if "." in name.partition("/")[0] and (pages := _pages_at(store, f"https://{name}")):
        return pages
    for title in dict.fromkeys((name, base.strip())):
        normalised = _normalise(title)
        pages = (
            _pages(store, "title = ? COLLATE NOCASE AND title = ?", title, title)
            or _pages(store, "title = ? COLLATE NOCASE", title)
            or _pages(store, "title = ? COLLATE NOCASE", " ".join(title.replace("_", " ").split()))
            # NOCASE covers ASCII only.
            or [p for p in _pages(store, "title != ''") if _normalise(p.title) == normalised]
        )
        if pages:
            return pages
    return []


def _pages_at(store: PassageStore, address: str) -> list[Page]:
    base = address.partition("#")[0]
    # "$" is the character after "#": addresses of the page with an anchor sort between them.
    where = "url = ? OR url = ? OR (url >= ? AND url < ?)"
    return _pages(store, where, address, base, f"{base}#", f"{base}$")


def named_section(name: str) -> str:
    """Return the section named after the `#` of an address or a title; empty if there is none."""
    return unquote(name.partition("#")[2]).replace("_", " ").strip()


def nearest_titles(index: WikiIndex, name: str, count: int = 5) -> list[str]:
    """Suggest titles for one that no page has: similar titles, then pages that contain its words.

    Args:
        index: The index.
        name: The title or address that was not found.
        count: Maximum number of titles to return.

    Returns:
        The titles, most similar first.
    """
    words = unquote(name.partition("#")[0].rpartition("/")[2]).replace("_", " ")
    bigrams = _bigrams(words)
    rows = index.store.connection.execute("SELECT DISTINCT title FROM passages WHERE title != ''")
    similarity = {title: _dice(bigrams, _bigrams(title)) for (title,) in rows}
    ordered = sorted(similarity, key=lambda title: -similarity[title])
    similar = [title for title in ordered[:count] if similarity[title] >= _SIMILAR]
    hits = [id_ for id_, _ in index.lexical.search(words, 4 * count)]
    passages = index.store.get(hits)
    containing = [passages[id_].title for id_ in hits if id_ in passages]
    return list(dict.fromkeys(title for title in (*similar, *containing) if title))[:count]


def page_passages(store: PassageStore, page: Page, section: str = "") -> list[Passage]:
    """Return the passages of a page, or of one section with its subsections.

    Args:
        store: The passages.
        page: The page.
        section: A heading, or a path such as `History › Origins`, in any case; empty for all.

    Returns:
        The passages in reading order; none if the page has no such section.
    """
    passages = list(store.select("source = ? AND article = ?", (page.source, page.article)))
    return [passage for passage in passages if not section or is_within(passage.section, section)]


def short_passages(passages: Iterable[Passage], max_chars: int = 800) -> list[Passage]:
    """Cut long passages at sentences and number all parts from 0, for reading in slices.

    The numbers depend only on the page, so a reader can continue from any of them.

    Args:
        passages: The passages of a page, in reading order.
        max_chars: Longest part in characters.

    Returns:
        The parts. The first part of a cut passage keeps its id; the others get `id#2` and so on.
    """
    splitter = SentenceSplitter(max_chars)
    parts: list[Passage] = []
    for passage in passages:
        for part, (start, end) in enumerate(splitter.spans(passage.text), start=1):
            id_ = passage.id if part == 1 else f"{passage.id}#{part}"
            text = passage.text[start:end]
            parts.append(replace(passage, id=id_, text=text, number=len(parts)))
    return parts


def sections_like(store: PassageStore, name: str) -> list[str]:
    """Return paths (`A › B`) of sections with this heading or path, in any case, or below one."""
    rows = store.connection.execute("SELECT DISTINCT section FROM passages")
    paths = (json.loads(row[0]) for row in rows)
    return [HEADING_SEPARATOR.join(path) for path in paths if is_within(path, name)]


def section_names(passages: Iterable[Passage]) -> list[str]:
    """Return the distinct sections of passages, such as `History › Origins`, in reading order."""
    paths = dict.fromkeys(HEADING_SEPARATOR.join(passage.section) for passage in passages)
    return [path for path in paths if path]


_SIMILAR = 0.5
"""Lowest Dice coefficient at which a title may be a misspelling of another."""


def _pages(store: PassageStore, condition: str, *parameters: str) -> list[Page]:
    rows = store.connection.execute(_DISTINCT_PAGES.format(condition), parameters)
    return [Page(*row) for row in rows]


def _normalise(text: str) -> str:
    return without_marks(" ".join(text.replace("_", " ").split()))


def is_within(path: Sequence[str], name: str) -> bool:
    """Return whether a section, or one above it, has this heading or path, in any case."""
    name = _normalise(name)
    ancestors = (path[: depth + 1] for depth in range(len(path)))
    return any(
        name in (_normalise(ancestor[-1]), _normalise(HEADING_SEPARATOR.join(ancestor)))
        for ancestor in ancestors
    )


def _bigrams(text: str) -> frozenset[str]:
    padded = f" {_normalise(text)} "
    return frozenset(padded[index : index + 2] for index in range(len(padded) - 1))


def _dice(first: frozenset[str], second: frozenset[str]) -> float:
    return 2 * len(first & second) / (len(first) + len(second))

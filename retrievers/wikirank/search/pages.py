"""Pages of an index by title or address, and their passages in reading order."""

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
        source: Name of the source that it came from.
        article: Its key within the source.
        title: Its title; empty if unknown.
    """

    source: str
    article: str
    title: str


def find_pages(store: PassageStore, name: str) -> list[Page]:
    """Look pages up by title or address.

    Titles are compared as they are; if none is the same, without regard to case and accents, with
    underscores for spaces. What follows a `#` is left aside unless a title has it.

    Args:
        store: The passages.
        name: A title or an address, such as `Ada Lovelace` or `https://…/Ada_Lovelace#Life`,
            which may leave `https://` out.

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
        spaced = _plain(title)
        pages = (
            _pages(store, "title = ? COLLATE NOCASE AND title = ?", title, title)
            or _pages(store, "title = ? COLLATE NOCASE", title)
            or _pages(store, "title = ? COLLATE NOCASE", " ".join(title.replace("_", " ").split()))
            # NOCASE knows ASCII only.
            or [page for page in _pages(store, "title != ''") if _plain(page.title) == spaced]
        )
        if pages:
            return pages
    return []


def _pages_at(store: PassageStore, address: str) -> list[Page]:
    base = address.partition("#")[0]
    # "$" follows "#": all addresses of the page with an anchor lie between.
    where = "url = ? OR url = ? OR (url >= ? AND url < ?)"
    return _pages(store, where, address, base, f"{base}#", f"{base}$")


def named_section(name: str) -> str:
    """The section that an address or a title names after its `#`; empty if it names none."""
    return unquote(name.partition("#")[2]).replace("_", " ").strip()


def nearest_titles(index: WikiIndex, name: str, count: int = 5) -> list[str]:
    """Titles like one that no page has, and those of passages with its words.

    Args:
        index: The index.
        name: The title or address looked for.
        count: How many to return at most.

    Returns:
        The titles, most alike first.
    """
    words = unquote(name.partition("#")[0].rpartition("/")[2]).replace("_", " ")
    wanted = _bigrams(words)
    rows = index.store.connection.execute("SELECT DISTINCT title FROM passages WHERE title != ''")
    likeness = {title: _dice(wanted, _bigrams(title)) for (title,) in rows}
    alike = sorted(likeness, key=lambda title: -likeness[title])
    close = [title for title in alike[:count] if likeness[title] >= _ALIKE]
    hits = [id_ for id_, _ in index.lexical.search(words, 4 * count)]
    passages = index.store.get(hits)
    mentioned = [passages[id_].title for id_ in hits if id_ in passages]
    return list(dict.fromkeys(title for title in (*close, *mentioned) if title))[:count]


def page_passages(store: PassageStore, page: Page, section: str = "") -> list[Passage]:
    """The passages of a page, or of one of its sections with all below it.

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
    """Passages to read in slices: long ones cut at sentences, numbered anew from 0.

    The numbers depend on the page alone, so reading may go on from any of them.

    Args:
        passages: The passages of a page, in reading order.
        max_chars: Longest passage in characters.

    Returns:
        The passages; the first part of one that was cut keeps its id, the others get `id#2` and
        so on.
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
    """Paths, as `A › B`, of sections within one of this heading or path, in any case."""
    rows = store.connection.execute("SELECT DISTINCT section FROM passages")
    paths = (json.loads(row[0]) for row in rows)
    return [HEADING_SEPARATOR.join(path) for path in paths if is_within(path, name)]


def section_names(passages: Iterable[Passage]) -> list[str]:
    """The sections of passages as `History › Origins`, each once, in reading order."""
    paths = dict.fromkeys(HEADING_SEPARATOR.join(passage.section) for passage in passages)
    return [path for path in paths if path]


_ALIKE = 0.5
"""From which likeness a title may be a misspelling of another."""


def _pages(store: PassageStore, condition: str, *parameters: str) -> list[Page]:
    rows = store.connection.execute(_DISTINCT_PAGES.format(condition), parameters)
    return [Page(*row) for row in rows]


def _plain(text: str) -> str:
    return without_marks(" ".join(text.replace("_", " ").split()))


def is_within(path: Sequence[str], name: str) -> bool:
    """Whether a section has this name or path, in any case, or lies below one that has."""
    wanted = _plain(name)
    starts = (path[: index + 1] for index in range(len(path)))
    return any(
        wanted in (_plain(start[-1]), _plain(HEADING_SEPARATOR.join(start))) for start in starts
    )


def _bigrams(text: str) -> frozenset[str]:
    plain = f" {_plain(text)} "
    return frozenset(plain[index : index + 2] for index in range(len(plain) - 1))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))

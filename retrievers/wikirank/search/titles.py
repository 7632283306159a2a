"""The titles of an index in alphabetical order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from wikirank.index.filters import normalise_filter
from wikirank.index.store import PassageStore

# Sorts after every character that a title may hold.
_LAST = "\U0010ffff"
_CHUNK = 200
_MOST_CHUNKS = 50


class TitleList(NamedTuple):
    """Some titles in alphabetical order.

    Attributes:
        titles: The titles, none twice, none empty.
        after: The title to go on after; None at the end.
    """

    titles: list[str]
    after: str | None


def list_titles(
    store: PassageStore,
    *,
    prefix: str = "",
    after: str = "",
    where: Mapping[str, Any] | None = None,
    limit: int = 50,
) -> TitleList:
    """List titles in alphabetical order, without regard to the case of ASCII letters.

    Args:
        store: The passages.
        prefix: How the titles begin; empty for all.
        after: A title to go on after; empty to begin at the first.
        where: Metadata that a page must have; 10,000 titles are looked at for it at a time.
        limit: How many to return at most.

    Returns:
        The titles, and where to go on: fewer than `limit` with a title to go on after where the
        metadata is rare.

    Raises:
        InvalidArgumentError: If the filter names an unknown key.
    """
    if where is None:
        found = _next_titles(store, prefix, after, limit + 1)
        return TitleList(found[:limit], found[limit - 1] if len(found) > limit else None)
    where = normalise_filter(where, store.known_keys()) or {}
    titles: list[str] = []
    for _ in range(_MOST_CHUNKS):
        found = _next_titles(store, prefix, after, _CHUNK)
        titles += _matching(store, found, where)
        if len(titles) > limit:
            return TitleList(titles[:limit], titles[limit - 1])
        if len(found) < _CHUNK:
            return TitleList(titles, None)
        after = found[-1]
    return TitleList(titles, after)


def _next_titles(store: PassageStore, prefix: str, after: str, limit: int) -> list[str]:
    rows = store.connection.execute(
        "SELECT DISTINCT title FROM passages WHERE title != '' "
        "AND title >= ? COLLATE NOCASE AND title <= ? COLLATE NOCASE "
        "AND (title > ? COLLATE NOCASE OR (title = ? COLLATE NOCASE AND title > ?)) "
        "ORDER BY title COLLATE NOCASE, title LIMIT ?",
        (prefix, prefix + _LAST, after, after, after, limit),
    )
    return [title for (title,) in rows]


def _matching(store: PassageStore, titles: list[str], where: Mapping[str, Any]) -> list[str]:
    """Those of some titles that have a page with the metadata."""
    marks = ", ".join("?" * len(titles))
    rows = store.connection.execute(
        f"SELECT id, title FROM passages WHERE title COLLATE NOCASE IN ({marks})", titles
    ).fetchall()
    ids = store.matching([id_ for id_, _ in rows], where)
    kept = {title for id_, title in rows if id_ in ids}
    return [title for title in titles if title in kept]

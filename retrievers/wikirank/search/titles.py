"""The titles of an index in alphabetical order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from wikirank.corpus.live import TitleList, TitleQuery
from wikirank.errors import InvalidArgumentError
from wikirank.index.filters import normalise_filter
from wikirank.index.index import WikiIndex
from wikirank.index.store import PassageStore
from wikirank.search.expressions import compile_phrase
from wikirank.search.pages import find_pages, page_passages

# Sorts after every character that a title may hold.
_LAST = "\U0010ffff"
_CHUNK = 200
_MOST_CHUNKS = 50
_MOST_MENTIONS = 1000
_MOST_TITLE_WORDS = 6
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
_IN_CATEGORY = (
    "EXISTS (SELECT 1 FROM json_each(metadata, '$.categories') "
    "WHERE value = ? COLLATE NOCASE OR value LIKE '%:' || ?)"
)


def list_titles(
    index: WikiIndex, query: TitleQuery, where: Mapping[str, Any] | None = None
) -> TitleList:
    """List titles in alphabetical order, without regard to the case of ASCII letters.

    An index keeps no links. What a page names in its text stands for them: `links_to` are pages
    that name a title, of the thousand passages that have its words first; `links_from` the titles
    that a page names, capitalised.

    Args:
        index: The index.
        query: Which titles; all its conditions must hold.
        where: Metadata that a page must have; 10,000 titles are looked at for it at a time.

    Returns:
        The titles, and where to go on: fewer than `limit` with a title to go on after where the
        metadata is rare.

    Raises:
        InvalidArgumentError: If the filter names an unknown key, or there is no page whose links
            are asked for.
    """
    store = index.store
    condition = _Condition.of(query, _linked(index, query))
    if where is None:
        titles_found = condition.next_titles(store, query.after, query.limit + 1)
        more = len(titles_found) > query.limit
        return TitleList(
            titles_found[: query.limit], titles_found[query.limit - 1] if more else None
        )
    where = normalise_filter(where, store.known_keys()) or {}
    titles: list[str] = []
    after = query.after
    for _ in range(_MOST_CHUNKS):
        titles_found = condition.next_titles(store, after, _CHUNK)
        titles += _matching(store, titles_found, where)
        if len(titles) > query.limit:
            return TitleList(titles[: query.limit], titles[query.limit - 1])
        if len(titles_found) < _CHUNK:
            return TitleList(titles, None)
        after = titles_found[-1]
    return TitleList(titles, after)


class _Condition:
    """A condition on titles in SQL, or the titles themselves where they are few.

    Args:
        query: What is asked for, but for links.
        titles: The titles that links leave; None for all.
    """

    def __init__(self, query: TitleQuery, titles: Sequence[str] | None) -> None:
        self._titles = titles
        self._sql = "title != '' AND title >= ? COLLATE NOCASE AND title <= ? COLLATE NOCASE"
        self._parameters = [query.prefix, query.prefix + _LAST]
        if query.category:
            self._sql += f" AND {_IN_CATEGORY}"
            self._parameters += [query.category, query.category.replace("%", "")]

    @classmethod
    def of(cls, query: TitleQuery, titles: set[str] | None) -> _Condition:
        """The condition of a query and of the titles that its links leave."""
        in_order = None if titles is None else sorted(titles, key=lambda t: (t.lower(), t))
        return cls(query, in_order)

    def next_titles(self, store: PassageStore, after: str, limit: int) -> list[str]:
        """The titles after one."""
        sql = (
            f"SELECT DISTINCT title FROM passages WHERE {self._sql} "
            "AND (title > ? COLLATE NOCASE OR (title = ? COLLATE NOCASE AND title > ?))"
        )
        parameters = [*self._parameters, after, after, after]
        order = f"ORDER BY title COLLATE NOCASE, title LIMIT {limit:d}"
        if self._titles is None:
            rows: Iterable[tuple[Any, ...]] = store.connection.execute(f"{sql} {order}", parameters)
        else:
            rows = store.select_in(f"{sql} AND title IN", self._titles, parameters, order)
        return [title for (title,) in islice(rows, limit)]


def _linked(index: WikiIndex, query: TitleQuery) -> set[str] | None:
    """The titles that the links asked for leave; None for all."""
    left: set[str] | None = None
    if query.links_to:
        left = set(_naming(index, query.links_to))
    if query.links_from:
        named = set(_named_by(index.store, query.links_from))
        left = named if left is None else left & named
    return left


def _naming(index: WikiIndex, title: str) -> Iterator[str]:
    """Titles of pages that name a title in their text."""
    phrase = compile_phrase(title)
    index.lexical.refresh(index.store.last_write())
    ids = [id_ for id_, _ in index.lexical.search(title, _MOST_MENTIONS)]
    for passage in index.store.get(ids).values():
        if passage.title.lower() != title.lower() and phrase.search(passage.text):
            yield passage.title


def _named_by(store: PassageStore, title: str) -> Iterator[str]:
    """Titles that the text of a page names."""
    pages = find_pages(store, title)
    if not pages:
        msg = f"Expected the title of a page in links_from, got {title!r}. Give another."
        raise InvalidArgumentError(msg)
    texts = [passage.text for page in pages for passage in page_passages(store, page)]
    own = {page.title for page in pages}
    sql = "SELECT DISTINCT title FROM passages WHERE title IN"
    rows = store.select_in(sql, _possible_titles(texts))
    return (name for (name,) in rows if name not in own)


def _possible_titles(texts: Iterable[str]) -> Iterator[str]:
    """Runs of a few words that begin with a capital, each once."""
    met: set[str] = set()
    for text in texts:
        spans = [match.span() for match in _WORD.finditer(text)]
        for first, (start, _) in enumerate(spans):
            if not text[start].isupper():
                continue
            for _, end in spans[first : first + _MOST_TITLE_WORDS]:
                run = " ".join(text[start:end].split())
                if run not in met:
                    met.add(run)
                    yield run


def _matching(store: PassageStore, titles: list[str], where: Mapping[str, Any]) -> list[str]:
    """Those of some titles that have a page with the metadata."""
    sql = "SELECT id, title FROM passages WHERE title COLLATE NOCASE IN"
    rows = list(store.select_in(sql, titles))
    ids = store.matching([id_ for id_, _ in rows], where)
    kept = {title for id_, title in rows if id_ in ids}
    return [title for title in titles if title in kept]

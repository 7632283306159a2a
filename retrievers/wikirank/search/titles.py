"""List the titles of an index in alphabetical order."""

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

# Sorts after every character that a title may contain.
_LAST = "\U0010ffff"
_CHUNK = 200
_MAX_CHUNKS = 50
_MAX_MENTIONS = 1000
_MAX_TITLE_WORDS = 6
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
_IN_CATEGORY = (
    "EXISTS (SELECT 1 FROM json_each(metadata, '$.categories') "
    "WHERE value = ? COLLATE NOCASE OR value LIKE '%:' || ?)"
)


def list_titles(
    index: WikiIndex, query: TitleQuery, where: Mapping[str, Any] | None = None
) -> TitleList:
    """List titles in alphabetical order, ignoring the case of ASCII letters.

    An index has no links, so mentions in the text replace them. `links_to` lists pages that mention
    a title, among the thousand passages that BM25 ranks first for it. `links_from` lists the titles
    that a page mentions with a capital letter.

    Args:
        index: The index.
        query: Which titles to list; all conditions must hold.
        where: Metadata that a page must have; at most 10,000 titles are examined per call.

    Returns:
        The titles, and the title to continue after. If the metadata is rare, there may be fewer
        than `limit` titles although more follow.

    Raises:
        InvalidArgumentError: If the filter names an unknown key, or the page in `links_from` does
            not exist.
    """
    store = index.store
    condition = _Condition.of(query, _linked(index, query))
    if where is None:
        titles = condition.next_titles(store, query.after, query.limit + 1)
        more = len(titles) > query.limit
        return TitleList(titles[: query.limit], titles[query.limit - 1] if more else None)
    where = normalise_filter(where, store.known_keys()) or {}
    titles = []
    after = query.after
    for _ in range(_MAX_CHUNKS):
        chunk = condition.next_titles(store, after, _CHUNK)
        titles += _matching(store, chunk, where)
        if len(titles) > query.limit:
            return TitleList(titles[: query.limit], titles[query.limit - 1])
        if len(chunk) < _CHUNK:
            return TitleList(titles, None)
        after = chunk[-1]
    return TitleList(titles, after)


class _Condition:
    """A condition on titles in SQL, together with the titles that the link conditions allow.

    Args:
        query: The conditions other than links.
        titles: The titles that the link conditions allow, sorted; None for all.
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
        """Make the condition of a query and of the titles that its links allow."""
        ordered = None if titles is None else sorted(titles, key=lambda t: (t.lower(), t))
        return cls(query, ordered)

    def next_titles(self, store: PassageStore, after: str, limit: int) -> list[str]:
        """Return up to `limit` titles that follow another."""
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
    """Return the titles that the link conditions allow; None for all."""
    allowed: set[str] | None = None
    if query.links_to:
        allowed = set(_mentioning(index, query.links_to))
    if query.links_from:
        mentioned = set(_mentioned_by(index.store, query.links_from))
        allowed = mentioned if allowed is None else allowed & mentioned
    return allowed


def _mentioning(index: WikiIndex, title: str) -> Iterator[str]:
    """Yield titles of pages that mention a title in their text."""
    phrase = compile_phrase(title)
    index.lexical.refresh(index.store.last_write())
    ids = [id_ for id_, _ in index.lexical.search(title, _MAX_MENTIONS)]
    for passage in index.store.get(ids).values():
        if passage.title.lower() != title.lower() and phrase.search(passage.text):
            yield passage.title


def _mentioned_by(store: PassageStore, title: str) -> Iterator[str]:
    """Return titles that the text of a page mentions."""
    pages = find_pages(store, title)
    if not pages:
        msg = f"Expected the title of a page in links_from, got {title!r}. Give another."
        raise InvalidArgumentError(msg)
    texts = [passage.text for page in pages for passage in page_passages(store, page)]
    own_titles = {page.title for page in pages}
    sql = "SELECT DISTINCT title FROM passages WHERE title IN"
    rows = store.select_in(sql, _possible_titles(texts))
    return (name for (name,) in rows if name not in own_titles)


def _possible_titles(texts: Iterable[str]) -> Iterator[str]:
    """Yield distinct sequences of a few words that begin with a capital letter."""
    seen: set[str] = set()
    for text in texts:
        spans = [match.span() for match in _WORD.finditer(text)]
        for first, (start, _) in enumerate(spans):
            if not text[start].isupper():
                continue
            for _, end in spans[first : first + _MAX_TITLE_WORDS]:
                words = " ".join(text[start:end].split())
                if words not in seen:
                    seen.add(words)
                    yield words


def _matching(store: PassageStore, titles: list[str], where: Mapping[str, Any]) -> list[str]:
    """Return the titles that have a page with the metadata."""
    sql = "SELECT id, title FROM passages WHERE title COLLATE NOCASE IN"
    rows = list(store.select_in(sql, titles))
    ids = store.matching([id_ for id_, _ in rows], where)
    kept = {title for id_, title in rows if id_ in ids}
    return [title for title in titles if title in kept]

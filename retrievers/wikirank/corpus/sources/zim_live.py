"""Pages of a ZIM file, found by its own full-text and title index for one question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

from wikirank._cancellation import check_cancelled
from wikirank._util import ForkSafeLock
from wikirank.corpus.live import (
    MOST_PAGE_CHARS,
    FoundPages,
    Ranking,
    SearchHits,
    TitleList,
    TitleQuery,
    in_turn,
    too_long,
    wrong_title_words,
)
from wikirank.corpus.sources.zim import Origin, Redirects, ZimSource, in_main_namespace
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.types import Article

_MOST_BYTES = 8 * MOST_PAGE_CHARS  # of a page's HTML
_MOST_HITS = 50  # pages of one search
_MOST_ENTRIES = 20_000  # looked at for a list of titles


class LiveZim:
    """A ZIM file to ask without an index of ours; threads may share it, and are served in turn.

    Args:
        path: The file; of a file in parts the first, which ends in `.zimaa`.

    Raises:
        CorpusError: If there is nothing at the path, it is no ZIM file, or it has no full-text
            index.
        MissingExtraError: If libzim is not installed.
    """

    def __init__(self, path: str | Path) -> None:
        self._source = ZimSource(path)
        self._lock = ForkSafeLock()
        with self._source.opened() as archive:
            self._archive = archive
            self._origin = Origin.of(archive)
            if not archive.has_fulltext_index:
                msg = (
                    f"Expected a ZIM file with a full-text index, got {self._source.path} without "
                    "one. Take another of its kind, or index it: wikirank index."
                )
                raise CorpusError(msg)

    @property
    def name(self) -> str:
        """The file's name."""
        return self._source.name

    def find_pages(
        self,
        phrases: Sequence[str],
        limit: int,
        deadline: float,
        *,
        words: Sequence[str] = (),
        titles: Sequence[str] = (),
    ) -> FoundPages:
        """Find pages by the file's full-text and title index; see `LiveWiki`."""
        articles: dict[str, Article] = {}
        with self._in_turn(deadline):
            ranking = Ranking(int(self._archive.article_count))
            notes = ranking.ask(
                phrases, words, lambda phrase: self._search(phrase, _MOST_HITS), all_words=True
            )
            ranking.add(filter(None, map(self._path_of_title, titles)))
            for path in ranking.best():
                if len(articles) >= limit:
                    break
                if monotonic() > deadline:
                    notes.append("The file was too slow for all pages.")
                    break
                check_cancelled()
                for article in self._read(path, notes):
                    articles.setdefault(article.metadata["path"], article)
        return FoundPages(list(articles.values()), notes)

    def read_page(self, name: str, deadline: float) -> Article | None:
        """The page of a title, a path in the file, or an address; see `LiveWiki`."""
        with self._in_turn(deadline):
            path = self._path_of(name.strip())
            notes: list[str] = []
            articles = list(self._read(path, notes)) if path else []
        if notes:
            raise CorpusError(" ".join(notes))
        return articles[0] if articles else None

    def titles_like(self, name: str, count: int, deadline: float) -> list[str]:
        """Titles that the file's title index suggests, and those of pages with a title's words."""
        words = wrong_title_words(name)
        if not words:
            return []
        with self._in_turn(deadline):
            beginning = words[: (len(words) + 1) // 2]
            paths = [
                *self._titles(words, count),
                *self._titles(beginning, count),
                *self._search(words, count).titles,
            ]
            titles = [self._archive.get_entry_by_path(path).title for path in paths]
        return list(dict.fromkeys(titles))[:count]

    def list_titles(self, query: TitleQuery, deadline: float) -> TitleList:
        """List titles by the beginning of their path, in the file's order, which heeds case."""
        if others := [kind for kind in query.kinds if kind != "prefix"]:
            msg = f"Expected no {others[0]} for a ZIM file, which keeps none. Give a prefix."
            raise InvalidArgumentError(msg)
        with self._in_turn(deadline):
            return self._listed(query, deadline)

    def _listed(self, query: TitleQuery, deadline: float) -> TitleList:
        new = bool(self._archive.has_new_namespace_scheme)
        prefix = query.prefix[:1].upper() + query.prefix[1:]
        prefix = ("" if new else "A/") + prefix
        titles: dict[str, None] = {}
        path = query.after
        for looked_at, path in enumerate(self._paths_from(query.after or prefix)):
            if path == query.after:
                continue
            if not _spaced(path).startswith(_spaced(prefix)):
                return TitleList(list(titles), None)
            entry = self._archive.get_entry_by_path(path)
            if in_main_namespace(self._archive, entry) and _is_page(entry):
                titles[entry.title or path] = None
            is_enough = len(titles) >= query.limit or looked_at >= _MOST_ENTRIES
            if is_enough or monotonic() > deadline:
                return TitleList(list(titles), path)
        return TitleList(list(titles), None)

    def _paths_from(self, start: str) -> Iterator[str]:
        """Paths of the file in its order, which is that of their bytes, from the first like one."""
        archive, wanted = self._archive, start.encode()
        low, high = 0, int(archive.entry_count)
        while low < high:
            middle = (low + high) // 2
            if archive._get_entry_by_id(middle).path.encode() < wanted:
                low = middle + 1
            else:
                high = middle
        return (archive._get_entry_by_id(n).path for n in range(low, int(archive.entry_count)))

    @contextmanager
    def _in_turn(self, deadline: float) -> Iterator[None]:
        """The file for one question; libzim's readers are not safe when shared."""
        with in_turn(self._lock, self.name, deadline), self._source.reported():
            yield

    def _search(self, phrase: str, limit: int) -> SearchHits:
        from libzim.search import Query, Searcher

        search = Searcher(self._archive).search(Query().set_query(phrase))
        titles = self._titles(phrase, limit) if " " in phrase else ()
        return SearchHits(list(search.getResults(0, limit)), search.getEstimatedMatches(), titles)

    def _titles(self, phrase: str, limit: int) -> list[str]:
        from libzim.suggestion import SuggestionSearcher

        results = SuggestionSearcher(self._archive).suggest(phrase).getResults(0, limit)
        return list(results)

    def _path_of(self, name: str) -> str | None:
        """The path that a title, a path or an address means."""
        prefix = self._origin.prefix
        if "://" in name:
            if not (prefix and name.startswith(prefix)):
                return None
            name = unquote(urlsplit(name)._replace(fragment="").geturl().removeprefix(prefix))
        base = name.partition("#")[0].strip()
        for title in dict.fromkeys((name, base, base.replace("_", " "))):
            if path := self._path_of_title(title):
                return path
        for path in dict.fromkeys((base, base.replace(" ", "_"), f"A/{base.replace(' ', '_')}")):
            if self._archive.has_entry_by_path(path):
                return path
        return None

    def _path_of_title(self, title: str) -> str | None:
        title = title[:1].upper() + title[1:]
        if not self._archive.has_entry_by_title(title):
            return None
        return str(self._archive.get_entry_by_title(title).path)

    def _read(self, path: str, notes: list[str]) -> Iterator[Article]:
        entry = self._archive.get_entry_by_path(path)
        if entry.is_redirect:
            entry = entry.get_redirect_entry()
        if entry.is_redirect or not in_main_namespace(self._archive, entry):
            return
        if entry.get_item().size > _MOST_BYTES:
            notes.append(too_long(entry.title))
            return
        for article in self._source.articles_of(entry, self._origin, Redirects(self._archive, ())):
            if len(article.text) > MOST_PAGE_CHARS:
                notes.append(too_long(article.title))
            else:
                yield article


def _spaced(path: str) -> str:
    return path.replace("_", " ")


def _is_page(entry: Any) -> bool:
    return not entry.is_redirect and entry.get_item().mimetype.startswith("text/html")

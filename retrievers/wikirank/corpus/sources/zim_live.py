"""Search a ZIM file by its own full-text and title index, without an index of ours."""

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
    MAX_PAGE_CHARS,
    FoundPages,
    Ranking,
    SearchHits,
    TitleList,
    TitleQuery,
    in_turn,
    too_long_note,
    words_of_title,
)
from wikirank.corpus.sources.zim import Origin, Redirects, ZimSource, in_main_namespace
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.types import Article

_MAX_BYTES = 8 * MAX_PAGE_CHARS  # of a page's HTML
_MAX_HITS = 50  # pages of one search
_MAX_ENTRIES = 20_000  # examined for a list of titles


class LiveZim:
    """A ZIM file searched by its own index. Thread-safe: one question is answered at a time.

    Args:
        path: The file; the first part (`.zimaa`) of a file in parts.

    Raises:
        CorpusError: If there is nothing at `path`, or it is not a ZIM file with a full-text index.
        MissingExtraError: If libzim is not installed.
    """

    def __init__(self, path: str | Path) -> None:
        self._source = ZimSource(path)
        self._lock = ForkSafeLock()
        with self._source.opened() as archive:
            self._archive = archive
            self._origin = Origin.from_archive(archive)
            if not archive.has_fulltext_index:
                msg = (
                    f"Expected a ZIM file with a full-text index, got {self._source.path} without "
                    "one. Take another edition of the file, or index it: wikirank index."
                )
                raise CorpusError(msg)

    @property
    def name(self) -> str:
        """Name of the file."""
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
        """Find pages by the file's full-text and title index; see `LiveWiki.find_pages`."""
        articles: dict[str, Article] = {}
        with self._locked(deadline):
            ranking = Ranking(int(self._archive.article_count))
            notes = ranking.search(
                phrases, words, lambda phrase: self._search(phrase, _MAX_HITS), all_words=True
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
        """Read the page with a title, path in the file, or URL; see `LiveWiki.read_page`."""
        with self._locked(deadline):
            path = self._path_of(name.strip())
            notes: list[str] = []
            articles = list(self._read(path, notes)) if path else []
        if notes:
            raise CorpusError(" ".join(notes))
        return articles[0] if articles else None

    def titles_like(self, name: str, count: int, deadline: float) -> list[str]:
        """Suggest titles from the title index, then those of pages with the words in their text."""
        words = words_of_title(name)
        if not words:
            return []
        with self._locked(deadline):
            beginning = words[: (len(words) + 1) // 2]
            paths = [
                *self._suggest(words, count),
                *self._suggest(beginning, count),
                *self._search(words, count).titles,
            ]
            titles = [self._archive.get_entry_by_path(path).title for path in paths]
        return list(dict.fromkeys(titles))[:count]

    def list_titles(self, query: TitleQuery, deadline: float) -> TitleList:
        """List titles by prefix of their path (case-sensitive), in the order of the file."""
        if others := [kind for kind in query.kinds if kind != "prefix"]:
            msg = (
                f"Expected a prefix for a ZIM file, got {others[0]}, which it does not record. "
                "Ask for a prefix."
            )
            raise InvalidArgumentError(msg)
        with self._locked(deadline):
            return self._list_titles(query, deadline)

    def _list_titles(self, query: TitleQuery, deadline: float) -> TitleList:
        new = bool(self._archive.has_new_namespace_scheme)
        prefix = query.prefix[:1].upper() + query.prefix[1:]
        prefix = ("" if new else "A/") + prefix
        titles: dict[str, None] = {}
        path = query.after
        for examined, path in enumerate(self._paths_from(query.after or prefix)):
            if path == query.after:
                continue
            if not _with_spaces(path).startswith(_with_spaces(prefix)):
                return TitleList(list(titles), None)
            entry = self._archive.get_entry_by_path(path)
            if in_main_namespace(self._archive, entry) and _is_page(entry):
                titles[entry.title or path] = None
            is_enough = len(titles) >= query.limit or examined >= _MAX_ENTRIES
            if is_enough or monotonic() > deadline:
                return TitleList(list(titles), path)
        return TitleList(list(titles), None)

    def _paths_from(self, start: str) -> Iterator[str]:
        """Yield the paths from `start` on; the file sorts them by their bytes."""
        archive, start_bytes = self._archive, start.encode()
        low, high = 0, int(archive.entry_count)
        while low < high:
            middle = (low + high) // 2
            if archive._get_entry_by_id(middle).path.encode() < start_bytes:
                low = middle + 1
            else:
                high = middle
        return (archive._get_entry_by_id(n).path for n in range(low, int(archive.entry_count)))

    @contextmanager
    def _locked(self, deadline: float) -> Iterator[None]:
        """Hold the lock, because libzim's readers are not thread-safe; convert errors."""
        with in_turn(self._lock, self.name, deadline), self._source.convert_errors():
            yield

    def _search(self, phrase: str, limit: int) -> SearchHits:
        from libzim.search import Query, Searcher

        search = Searcher(self._archive).search(Query().set_query(phrase))
        suggested = self._suggest(phrase, limit) if " " in phrase else ()
        paths = list(search.getResults(0, limit))
        return SearchHits(paths, search.getEstimatedMatches(), suggested)

    def _suggest(self, phrase: str, limit: int) -> list[str]:
        """Return paths of entries whose titles match a phrase."""
        from libzim.suggestion import SuggestionSearcher

        results = SuggestionSearcher(self._archive).suggest(phrase).getResults(0, limit)
        return list(results)

    def _path_of(self, name: str) -> str | None:
        """Find the path of an entry by title, path or URL."""
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
        if entry.get_item().size > _MAX_BYTES:
            notes.append(too_long_note(entry.title))
            return
        for article in self._source.articles_of(entry, self._origin, Redirects(self._archive, ())):
            if len(article.text) > MAX_PAGE_CHARS:
                notes.append(too_long_note(article.title))
            else:
                yield article


def _with_spaces(path: str) -> str:
    return path.replace("_", " ")


def _is_page(entry: Any) -> bool:
    return not entry.is_redirect and entry.get_item().mimetype.startswith("text/html")

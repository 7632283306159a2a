"""Pages of a ZIM file, found by its own full-text and title index for one question."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from wikirank.corpus.live import FoundPages
from wikirank.corpus.sources.zim import Origin, Redirects, ZimSource, in_main_namespace
from wikirank.errors import CorpusError
from wikirank.types import Article

_ENOUGH = 3


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
        self._lock = threading.Lock()
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

    def find_pages(self, phrases: Sequence[str], limit: int, deadline: float) -> FoundPages:
        """Find pages by the file's index and read them.

        Args:
            phrases: What to look for, the most telling first; the later ones only where those
                before found little.
            limit: How many pages to read at most.
            deadline: When to stop, by `time.monotonic`.

        Returns:
            The pages, best first.

        Raises:
            CorpusError: The file is damaged.
        """
        articles: list[Article] = []
        with self._lock, self._source.opened():
            for path in self._paths(phrases, limit):
                if monotonic() > deadline:
                    return FoundPages(articles, ["The file was too slow for all pages."])
                articles += self._read(path)
        return FoundPages(articles)

    def _paths(self, phrases: Sequence[str], limit: int) -> list[str]:
        """Paths of all phrasings, those found by several first."""
        places: dict[str, float] = {}
        for number, phrase in enumerate(phrases):
            if number > 1 and len(places) >= _ENOUGH:
                break
            for found in (self._texts(phrase, limit), self._titles(phrase, limit)):
                for place, path in enumerate(found, start=1):
                    places[path] = places.get(path, 0.0) + 1 / (10 + place + number)
        return sorted(places, key=lambda path: -places[path])[:limit]

    def _texts(self, phrase: str, limit: int) -> Iterator[str]:
        from libzim.search import Query, Searcher

        results = Searcher(self._archive).search(Query().set_query(phrase)).getResults(0, limit)
        return iter(results)

    def _titles(self, phrase: str, limit: int) -> Iterator[str]:
        from libzim.suggestion import SuggestionSearcher

        results = SuggestionSearcher(self._archive).suggest(phrase).getResults(0, limit)
        return iter(results)

    def _read(self, path: str) -> Iterator[Article]:
        entry = self._archive.get_entry_by_path(path)
        if entry.is_redirect:
            entry = entry.get_redirect_entry()
        if in_main_namespace(self._archive, entry) and not entry.is_redirect:
            no_redirects: Any = Redirects(self._archive, ())
            yield from self._source.articles_of(entry, self._origin, no_redirects)

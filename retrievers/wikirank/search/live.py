"""Search of a live wiki without an index: the wiki's own search is the first retrieval.

The wiki's search returns pages, which are cut into passages. BM25 chooses candidates among the
passages, and the cross-encoder reranks them, as with an index. Nothing is embedded.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from typing_extensions import override

from wikirank._cancellation import check_cancelled
from wikirank.corpus.live import LiveWiki
from wikirank.errors import InvalidArgumentError
from wikirank.index.bm25 import LexicalIndex
from wikirank.rank import CrossEncoder
from wikirank.search.live_reader import cut_live, needs_index
from wikirank.search.options import Retrieved, SearchOptions, UnreadLanguage, unread_language
from wikirank.search.phrasings import keywords, phrasings, possible_titles
from wikirank.search.pipeline import CandidateReranker, distinct_candidates
from wikirank.search.steps import StageClock
from wikirank.search.words import words_of
from wikirank.types import Article, Passage, RankedPassage

_MAX_CHARS = 2_000_000
"""Maximum number of characters to read for one query, to bound memory."""


class LiveSearcher(CandidateReranker):
    """Searches with a wiki's own search and reranks the results. Threads may share it.

    Args:
        wiki: The wiki.
        cross_encoder: The model that reranks; None loads the bundled one on first use.
        pages: Maximum number of pages to read per query.
        seconds: Time limit for the wiki, in seconds.
    """

    def __init__(
        self,
        wiki: LiveWiki,
        cross_encoder: CrossEncoder | None = None,
        *,
        pages: int = 10,
        seconds: float = 20.0,
    ) -> None:
        super().__init__(cross_encoder)
        self._wiki = wiki
        self._pages = pages
        self._seconds = seconds

    @override
    def retrieve(self, query: str, options: SearchOptions) -> Retrieved:
        """Find candidates. `search_type` is ignored, because nothing is embedded."""
        _check(query, options)
        clock = StageClock()
        with clock.stage("pages"):
            deadline = monotonic() + self._seconds
            pages = self._wiki.find_pages(
                phrasings(query),
                self._pages,
                deadline,
                words=keywords(query),
                titles=possible_titles(query),
            )
        with clock.stage("cut"):
            passages, notes = _passages(pages.articles, self._wiki.name)
        check_cancelled()
        with clock.stage("lexical"):
            fetch_k = max(options.k, options.fetch_k)
            candidates, duplicates = _candidates(query, passages), 0
            if options.drop_duplicates:
                candidates, duplicates = distinct_candidates(candidates, fetch_k)
        return Retrieved(
            query,
            candidates[:fetch_k],
            clock.timings(),
            duplicates,
            self._unread(query, options),
            (*pages.notes, *notes),
        )

    @property
    def place(self) -> str:
        """The wiki's name."""
        return self._wiki.name

    def origin(self, options: SearchOptions) -> str:  # noqa: ARG002
        """The wiki's own search."""
        return f"BM25 over the pages that {self.place} found by its own search"

    def matching_words(self, query: str, candidates: Sequence[RankedPassage]) -> set[str]:
        """Return the candidates' words that share a stem with a query word."""
        lexical = LexicalIndex.in_memory([candidate.passage for candidate in candidates])
        return lexical.matching_words(query, words_of(candidates))

    def with_neighbours(self, ranked: Sequence[RankedPassage], count: int) -> list[RankedPassage]:
        """Raise InvalidArgumentError unless `count` is 0: without an index there are none."""
        if count:
            raise needs_index(setting="neighbours")
        return list(ranked)

    def _unread(self, query: str, options: SearchOptions) -> UnreadLanguage | None:
        languages = getattr(self.cross_encoder, "languages", None) if options.rerank else None
        return unread_language(query, None, languages)


def _check(query: str, options: SearchOptions) -> None:
    if not query.strip():
        msg = "The query is empty. Ask a question or give keywords."
        raise InvalidArgumentError(msg)
    for name, value in (("filter", options.filter), ("neighbours", options.neighbours)):
        if value:
            raise needs_index(name)


def _passages(articles: Sequence[Article], source: str) -> tuple[list[Passage], list[str]]:
    """Cut articles into passages, up to `_MAX_CHARS`; return them with notes on omitted pages."""
    passages: list[Passage] = []
    chars = 0
    for position, article in enumerate(articles):
        chars += len(article.text)
        if chars > _MAX_CHARS and passages:
            omitted = len(articles) - position
            return passages, [f"{omitted} long pages were left out, from {article.title!r} on."]
        check_cancelled()
        passages += cut_live(article, source)
    return passages, []


def _candidates(query: str, passages: Sequence[Passage]) -> list[RankedPassage]:
    """Order passages by BM25; those without a query word come last, in the wiki's order."""
    by_id = {passage.id: passage for passage in passages}
    hits = LexicalIndex.in_memory(list(by_id.values())).search(query, len(by_id)) if by_id else []
    scores = dict(hits)
    ids = [*scores, *(id_ for id_ in by_id if id_ not in scores)]
    return [
        RankedPassage(
            passage=by_id[id_], rank=rank, rank_before=rank, lexical_score=scores.get(id_)
        )
        for rank, id_ in enumerate(ids, start=1)
    ]

"""A question to a wiki that nobody indexed: its own search is the first retrieval.

The wiki's search gives pages; they are cut into passages, BM25 over those picks the candidates, and
the cross-encoder reranks them as it does those of an index. Nothing is embedded.
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
from wikirank.search.phrasings import phrasings, possible_titles, telling_words
from wikirank.search.pipeline import CandidateReranker, distinct_candidates
from wikirank.search.steps import StageClock
from wikirank.search.words import words_of
from wikirank.types import Article, Passage, RankedPassage

_MOST_CHARS = 2_000_000


class LiveSearcher(CandidateReranker):
    """Asks a wiki's own search and reranks what it finds. Safe to share between threads.

    Args:
        wiki: The wiki.
        cross_encoder: The model that reranks; None loads the bundled one at first use.
        pages: How many pages to read for a question.
        seconds: How long the wiki may take for them.
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
        """Find candidates; `search_type` has no part, as nothing is embedded."""
        _check(query, options)
        clock = StageClock()
        with clock.stage("pages"):
            deadline = monotonic() + self._seconds
            found_pages = self._wiki.find_pages(
                phrasings(query),
                self._pages,
                deadline,
                words=telling_words(query),
                titles=possible_titles(query),
            )
        with clock.stage("cut"):
            passages, notes = _passages(found_pages.articles, self._wiki.name)
        check_cancelled()
        with clock.stage("lexical"):
            wanted = max(options.k, options.fetch_k)
            candidates, dropped = _candidates(query, passages), 0
            if options.drop_duplicates:
                candidates, dropped = distinct_candidates(candidates, wanted)
        return Retrieved(
            query,
            candidates[:wanted],
            clock.timings(),
            dropped,
            self._unread(query, options),
            (*found_pages.notes, *notes),
        )

    @property
    def place(self) -> str:
        """The wiki's name."""
        return self._wiki.name

    def origin(self, options: SearchOptions) -> str:  # noqa: ARG002
        """The wiki's own search."""
        return f"BM25 over the pages that {self.place} found by its own search"

    def matching_words(self, query: str, candidates: Sequence[RankedPassage]) -> set[str]:
        """Words of candidates that match, in the language of these."""
        lexical = LexicalIndex.in_memory([one.passage for one in candidates])
        return lexical.matching_words(query, words_of(candidates))

    def with_neighbours(self, ranked: Sequence[RankedPassage], count: int) -> list[RankedPassage]:
        """Refused where any are asked for: the passages are not kept."""
        if count:
            setting = "neighbours"
            raise needs_index(setting)
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
    """Passages of the articles, as many as memory is bounded to."""
    passages: list[Passage] = []
    chars = 0
    for position, article in enumerate(articles):
        chars += len(article.text)
        if chars > _MOST_CHARS and passages:
            left = len(articles) - position
            return passages, [f"{left} long pages were left out, from {article.title!r} on."]
        check_cancelled()
        passages += cut_live(article, source)
    return passages, []


def _candidates(query: str, passages: Sequence[Passage]) -> list[RankedPassage]:
    """Passages by BM25; behind them, in the wiki's order, those that share no word with it."""
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

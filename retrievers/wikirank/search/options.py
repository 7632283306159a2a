"""How to search, and what a search returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from wikirank.errors import InvalidArgumentError
from wikirank.types import OnTruncation, RankedPassage, SearchType

if TYPE_CHECKING:
    from wikirank.search.unread import UnreadLanguage

LONGEST_QUERY = 2000
"""Characters of a query that agents, servers and their clients are searched for."""


def bounded_query(query: str) -> str:
    """A query without what is beyond its bound, cut at the end of a word where there is one."""
    if len(query) <= LONGEST_QUERY:
        return query
    words, _, _ = query[: LONGEST_QUERY + 1].rpartition(" ")
    return words.rstrip() or query[:LONGEST_QUERY]


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search.

    Attributes:
        k: How many passages to return at the most, 1 or more.
        fetch_k: How many candidates to take from each retriever and to rerank, at least `k`.
        search_type: `dense` (vectors), `lexical` (BM25), or `hybrid` (both, fused).
        rerank: Whether the cross-encoder orders the candidates; see `rerank`.
        score_threshold: Keep passages whose relevance score is at least this, in [0, 1].
        filter: Metadata that passages must have; several keys must all hold.
        neighbours: How many passages before and after each, in its section, to join to it.
        on_truncation: What to do with texts over the cross-encoder's length.
        cascade: Whether a cross-encoder that can may drop hopeless candidates after a cheap first
            pass; False has it score all of them.
        drop_duplicates: Whether a candidate that says the same as a better one, word for word or
            nearly, is dropped; see `without_duplicates`. The result counts them.
    """

    k: int = 5
    fetch_k: int = 50
    search_type: SearchType = "hybrid"
    rerank: bool = True
    score_threshold: float | None = None
    filter: Mapping[str, Any] | None = None
    neighbours: int = 0
    on_truncation: OnTruncation = "window"
    cascade: bool = True
    drop_duplicates: bool = True

    def __post_init__(self) -> None:
        _require_whole("k", self.k, 1)
        _require_whole("fetch_k", self.fetch_k, 1)
        _require_whole("neighbours", self.neighbours, 0)
        if self.search_type not in get_args(SearchType):
            msg = f"search_type is dense, lexical or hybrid, got {self.search_type!r}."
            raise InvalidArgumentError(msg)
        if self.score_threshold is None:
            return
        if not self.rerank:
            msg = (
                "score_threshold compares relevance scores, which the cross-encoder gives. "
                "Turn rerank on or leave the threshold out."
            )
            raise InvalidArgumentError(msg)
        if not 0 <= self.score_threshold <= 1:
            msg = f"score_threshold lies between 0 and 1, got {self.score_threshold}."
            raise InvalidArgumentError(msg)

    def for_unread(self, unread: UnreadLanguage | None) -> SearchOptions:
        """How to search without the models that do not read the query's language."""
        options = self
        if unread and unread.by_embedder and options.search_type == "hybrid":
            options = replace(options, search_type="lexical")
        if unread and unread.by_reranker and options.rerank:
            options = replace(options, rerank=False, score_threshold=None)
        return options


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The candidates for a query, before reranking.

    Attributes:
        query: The query.
        candidates: What dense and lexical search found, best first.
        timings: Milliseconds each stage took, by its name, and `total`.
        duplicates: How many candidates were dropped as duplicates of others.
        unread: The question's language, where a model does not read it.
        omitted: What a wiki that is not indexed left out, and why.
    """

    query: str
    candidates: list[RankedPassage]
    timings: dict[str, float]
    duplicates: int = 0
    unread: UnreadLanguage | None = None
    omitted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to a query.

    Attributes:
        query: The query.
        passages: The passages that answer, best first.
        candidates: What went into the reranking, in the first stage's order.
        timings: Milliseconds each stage took, by its name, and `total`.
        passing: How many candidates reached the threshold, before the cut to `k`; those that the
            prefilter dropped do not count.
        duplicates: How many candidates were dropped as duplicates of others.
        unread: The question's language, where a model does not read it.
        omitted: What a wiki that is not indexed left out, and why.
    """

    query: str
    passages: list[RankedPassage]
    candidates: list[RankedPassage]
    timings: dict[str, float] = field(default_factory=dict)
    passing: int = 0
    duplicates: int = 0
    unread: UnreadLanguage | None = None
    omitted: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What a person should know of the result, in one line; empty if nothing."""
        notes = [self.unread.note] if self.unread else []
        return " ".join([*notes, *self.omitted])


def _require_whole(name: str, value: int, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        msg = f"{name} is a whole number of at least {least}, got {value!r}."
        raise InvalidArgumentError(msg)

"""Search options and results, and queries in languages that the models do not read."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wikirank.errors import InvalidArgumentError
from wikirank.index.languages import ENGLISH, NAMES, language_of_question
from wikirank.settings import RerankSettings, SearchSettings
from wikirank.types import RankedPassage

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST_QUERY = 2000
"""Longest query of agents, servers and their clients, in characters."""


def bounded_query(query: str) -> str:
    """Cut a query to `LONGEST_QUERY` characters, at the end of a word if possible."""
    if len(query) <= LONGEST_QUERY:
        return query
    words, _, _ = query[: LONGEST_QUERY + 1].rpartition(" ")
    return words.rstrip() or query[:LONGEST_QUERY]


@dataclass(frozen=True, slots=True)
class UnreadLanguage:
    """The language of a query that a model does not read, so the search leaves that model out.

    Attributes:
        language: A code such as `de`.
        by_embedder: Whether the embedder does not read it.
        by_reranker: Whether the cross-encoder does not read it.
    """

    language: str
    by_embedder: bool
    by_reranker: bool

    @property
    def note(self) -> str:
        """A one-line explanation for people."""
        name = NAMES.get(self.language, "another language")
        if self.by_reranker and self.by_embedder:
            order = "passages are in the order of the words that they share with it"
        elif self.by_reranker:
            order = "passages are in the order of first-stage retrieval"
        else:
            order = "passages are found by the words that they share with it"
        return f"The models read English, not the language of this question ({name}): {order}."


def unread_language(
    query: str,
    embedder_languages: tuple[str, ...] | None,
    reranker_languages: tuple[str, ...] | None,
) -> UnreadLanguage | None:
    """Check whether the models read the language of a query.

    Args:
        query: The query.
        embedder_languages: Languages that the embedder reads; None if unknown, or if the search
            does not use the embedder.
        reranker_languages: Languages that the cross-encoder reads; None if unknown, or if the
            search does not rerank.

    Returns:
        The language and the models that do not read it; None if all models read it.
    """
    if embedder_languages is None and reranker_languages is None:
        return None
    language = language_of_question(query)
    by_embedder = embedder_languages is not None and language not in embedder_languages
    by_reranker = reranker_languages is not None and language not in reranker_languages
    if language == ENGLISH or not (by_embedder or by_reranker):
        return None
    return UnreadLanguage(language, by_embedder, by_reranker)


class _Checked(BaseModel):
    """A pydantic model that raises this library's errors."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as err:
            raise InvalidArgumentError(_as_message(err.errors()[0])) from None


class SearchOptions(RerankSettings, SearchSettings, _Checked):
    """How to search. Instances are immutable; see `with_changes`."""

    model_config = ConfigDict(frozen=True, strict=True)

    drop_duplicates: bool = Field(
        default=True,
        description="Whether to drop a candidate whose text is the same as that of a better one, "
        "or nearly; see `without_duplicates`. The result counts dropped candidates.",
    )

    @model_validator(mode="after")
    def _check_threshold(self) -> Self:
        if self.score_threshold is not None and not self.rerank:
            msg = (
                "Expected score_threshold only with rerank, because the cross-encoder makes the "
                "relevance scores. Turn rerank on, or leave score_threshold out."
            )
            raise InvalidArgumentError(msg)
        return self

    def with_changes(self, **changes: Any) -> SearchOptions:
        """Return a copy with some options changed."""
        return SearchOptions(**{**dict(self), **changes})

    def for_unread(self, unread: UnreadLanguage | None) -> SearchOptions:
        """Return options without the models that do not read the query's language."""
        options = self
        if unread and unread.by_embedder and options.search_type == "hybrid":
            options = options.with_changes(search_type="lexical")
        if unread and unread.by_reranker and options.rerank:
            options = options.with_changes(rerank=False, score_threshold=None)
        return options


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The candidates for a query, before reranking.

    Attributes:
        query: The query.
        candidates: Candidates from dense and lexical search, best first.
        timings: Milliseconds by stage, and `total`.
        duplicates: Number of candidates dropped as duplicates.
        unread: The query's language if a model does not read it.
        omitted: Notes on what a live wiki left out, and on how the query was read.
        read_as: The query as the models read it, with misspelt words in the wiki's spelling; empty
            if not known.
    """

    query: str
    candidates: list[RankedPassage]
    timings: dict[str, float]
    duplicates: int = 0
    unread: UnreadLanguage | None = None
    omitted: tuple[str, ...] = ()
    read_as: str = ""

    def result(
        self, passages: list[RankedPassage], timings: dict[str, float], passing: int
    ) -> SearchResult:
        """Make the search result of these candidates."""
        values = {item.name: getattr(self, item.name) for item in fields(Retrieved)}
        return SearchResult(**{**values, "timings": timings}, passages=passages, passing=passing)


@dataclass(frozen=True, slots=True)
class SearchResult(Retrieved):
    """The result of a search: the best passages, and what was retrieved.

    Attributes:
        passages: The best passages, best first.
        passing: Number of candidates that reached the threshold, before the cut to `k`; without
            those that the prefilter dropped.
    """

    passages: list[RankedPassage] = field(default_factory=list)
    passing: int = 0

    @property
    def note(self) -> str:
        """A one-line remark on the result for people; empty if there is none."""
        notes = [self.unread.note] if self.unread else []
        return " ".join([*notes, *self.omitted])


def _as_message(details: ErrorDetails) -> str:
    """Turn a pydantic error into a message of this library."""
    name = ".".join(map(str, details["loc"]))
    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    if details["type"] == "extra_forbidden":
        settings = ", ".join(SearchOptions.model_fields)
        return f"Unknown search setting {name!r}. Settings: {settings}."
    expected = details["msg"].removeprefix("Input should ")
    return f"Expected {name} to {expected}, got {details['input']!r}."

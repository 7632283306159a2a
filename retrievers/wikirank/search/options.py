"""How to search, what a search returns, and the questions that the models do not read."""

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
"""Characters of a query that agents, servers and their clients are searched for."""


def bounded_query(query: str) -> str:
    """A query without what is beyond its bound, cut at the end of a word where there is one."""
    if len(query) <= LONGEST_QUERY:
        return query
    words, _, _ = query[: LONGEST_QUERY + 1].rpartition(" ")
    return words.rstrip() or query[:LONGEST_QUERY]


@dataclass(frozen=True, slots=True)
class UnreadLanguage:
    """A language that a search did without a model for.

    Attributes:
        language: A code such as `de`.
        by_embedder: Whether the embedder does not read it.
        by_reranker: Whether the cross-encoder does not.
    """

    language: str
    by_embedder: bool
    by_reranker: bool

    @property
    def note(self) -> str:
        """What to tell a person, in one line."""
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
    """What the models do not read of a question; None if they read it.

    Args:
        query: The question.
        embedder_languages: The languages that the embedder reads; None if it has no part in the
            search, or nobody knows.
        reranker_languages: Likewise of the cross-encoder.

    Returns:
        The language, and which of the two does not read it.
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
    """A model whose errors are those of this library."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as err:
            raise InvalidArgumentError(_as_message(err.errors()[0])) from None


class SearchOptions(RerankSettings, SearchSettings, _Checked):
    """How to search; does not change."""

    model_config = ConfigDict(frozen=True, strict=True)

    drop_duplicates: bool = Field(
        default=True,
        description="Whether a candidate that says the same as a better one, word for word or "
        "nearly, is dropped; see `without_duplicates`. The result counts them.",
    )

    @model_validator(mode="after")
    def _check_threshold(self) -> Self:
        if self.score_threshold is not None and not self.rerank:
            msg = (
                "score_threshold compares relevance scores, which the cross-encoder gives. "
                "Turn rerank on or leave the threshold out."
            )
            raise InvalidArgumentError(msg)
        return self

    def with_changes(self, **changes: Any) -> SearchOptions:
        """The same but for some options."""
        return SearchOptions(**{**dict(self), **changes})

    def for_unread(self, unread: UnreadLanguage | None) -> SearchOptions:
        """How to search without the models that do not read the query's language."""
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
        candidates: What dense and lexical search found, best first.
        timings: Milliseconds each stage took, by its name, and `total`.
        duplicates: How many candidates were dropped as duplicates of others.
        unread: The question's language, where a model does not read it.
        omitted: What a wiki that is not indexed left out, and why; how a query was read.
        read_as: The query as the models read it, misspelt words as the wiki spells them; empty
            where it is as it was.
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
        """What became of the candidates, `passing` of which reached the threshold."""
        known = {one.name: getattr(self, one.name) for one in fields(Retrieved)}
        return SearchResult(**{**known, "timings": timings}, passages=passages, passing=passing)


@dataclass(frozen=True, slots=True)
class SearchResult(Retrieved):
    """The answer to a query, beside what was retrieved for it.

    Attributes:
        passages: The passages that answer, best first.
        passing: How many candidates reached the threshold, before the cut to `k`; those that the
            prefilter dropped do not count.
    """

    passages: list[RankedPassage] = field(default_factory=list)
    passing: int = 0

    @property
    def note(self) -> str:
        """What a person should know of the result, in one line; empty if nothing."""
        notes = [self.unread.note] if self.unread else []
        return " ".join([*notes, *self.omitted])


def _as_message(fault: ErrorDetails) -> str:
    """What is wrong with an option, in this library's words."""
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    if fault["type"] == "extra_forbidden":
        known = ", ".join(SearchOptions.model_fields)
        return f"Unknown search setting {name!r}. Settings: {known}."
    wanted = fault["msg"].removeprefix("Input should ")
    return f"Expected {name} to {wanted}, got {fault['input']!r}."

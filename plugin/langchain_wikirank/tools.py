"""Tools for agents: search the wiki, read its pages, find words in them."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import Annotated, Any, Self

from langchain_core.tools import BaseTool, BaseToolkit
from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr
from typing_extensions import override

from langchain_wikirank._base_retriever import BaseWikiRetriever
from langchain_wikirank._evidence.selection import (
    DEFAULT_MIN_SCORE,
    DEFAULT_MIN_TOP_SCORE,
    DEFAULT_TOKEN_BUDGET,
    LEAST_TOKEN_BUDGET,
    Thresholds,
)
from langchain_wikirank._evidence.tokens import token_counter
from langchain_wikirank._retriever_settings import unbound
from langchain_wikirank._tools.find import find_tool
from langchain_wikirank._tools.library import Conversations, ToolContext
from langchain_wikirank._tools.read import read_tool
from langchain_wikirank._tools.search import search_tool


class WikiToolkit(BaseToolkit):
    """The tools `wiki_search`, `wiki_read` and `wiki_find` over one wiki.

    Each answers within a token budget: passages best first, duplicates dropped, neighbours
    merged, each under a number `[1]` that it keeps for the whole conversation (the `thread_id`
    of the run's config), quoted so that nothing in it can pass for an instruction of ours.
    The artifact is a dict of `documents` with all their scores and their `citation`, `timings`,
    `left_out` and `abstained`.

    Example:
        ```python
        toolkit = WikiToolkit(retriever=WikiRetriever.from_index("wiki-index"))
        agent = create_agent("openai:gpt-4o-mini", toolkit.get_tools())
        ```
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", use_attribute_docstrings=True
    )

    retriever: Annotated[BaseWikiRetriever, BeforeValidator(unbound)]
    """Searches the wiki; what it searches is what is read: the index of a `WikiRetriever`, or the
    wiki of a `LiveWikiRetriever`, over which searches take no filter. It may come from
    `with_config` or `bind`.

    Where neither the model nor its own setting says how many passages (`k`), as many are asked
    for as can fit `token_budget`, which with `min_score` decides what is shown."""

    token_budget: int = Field(default=DEFAULT_TOKEN_BUDGET, ge=LEAST_TOKEN_BUDGET)
    """Most tokens of one tool's answer."""

    count_tokens: Any = None
    """What counts the tokens: a chat model, a tokenizer with `encode`, or a function from text to
    a number; None takes the bundled tokenizer."""

    min_score: float | None = Field(default=DEFAULT_MIN_SCORE, ge=0, le=1)
    """Passages with a lower `relevance_score` are not shown; with none left, `wiki_search` says
    that the wiki does not answer. None shows all. It has no part where `rerank` is off.

    The score is a calibrated probability. The default is chosen so that every right answer
    passes: the token budget bounds what is shown, the threshold only keeps out what is foreign."""

    min_top_score: float = Field(default=DEFAULT_MIN_TOP_SCORE, ge=0, le=1)
    """Where the best passage has a lower `relevance_score`, `wiki_search` says that the wiki does
    not answer. It has no part where `min_score` is None, or where the model gives one."""

    _library: ToolContext = PrivateAttr()

    @override
    def model_post_init(self, context: Any, /) -> None:
        self._library = ToolContext(
            retriever=self.retriever,
            token_budget=self.token_budget,
            count_tokens=token_counter(self.count_tokens),
            thresholds=Thresholds(self.min_score, self.min_top_score),
            conversations=Conversations(),
        )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """The same tools with citation numbers of their own."""
        return type(self)(**deepcopy(self._settings(), memo))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings; conversations begin again where they are loaded."""
        return partial(type(self), **self._settings()), ()

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}

    @property
    def library(self) -> ToolContext:
        """The wiki and the terms on which it is shown, for further tools over it."""
        return self._library

    @property
    def conversations(self) -> Conversations:
        """The citation numbers of each conversation."""
        return self._library.conversations

    @override
    def get_tools(self) -> list[BaseTool]:
        """The three tools; all that this toolkit gives share their citation numbers."""
        return [search_tool(self._library), read_tool(self._library), find_tool(self._library)]

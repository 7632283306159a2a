"""Agent tools to search a wiki, read its pages and find exact words."""

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
    MIN_TOKEN_BUDGET,
    Thresholds,
)
from langchain_wikirank._evidence.tokens import token_counter
from langchain_wikirank._retriever_settings import unwrap_bindings
from langchain_wikirank._tools.find import find_tool
from langchain_wikirank._tools.library import Conversations, ToolContext
from langchain_wikirank._tools.read import read_tool
from langchain_wikirank._tools.search import search_tool


class WikiToolkit(BaseToolkit):
    """The tools `wiki_search`, `wiki_read` and `wiki_find` over one wiki.

    Each answer stays within a token budget. Passages come best first, without duplicates, and
    adjacent ones are merged. Each has a number such as `[1]`, which it keeps for the whole
    conversation (the `thread_id` in the config of the run). Wiki text is quoted, so that it cannot
    pass for instructions.

    The artifact of a tool message is a dictionary with `documents` (their metadata has all scores
    and the number, `citation`), `timings`, `left_out` and `abstained`.

    Example:
        ```python
        toolkit = WikiToolkit(retriever=WikiRetriever.from_index("wiki-index"))
        agent = create_agent("openai:gpt-4o-mini", toolkit.get_tools())
        ```
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", use_attribute_docstrings=True
    )

    retriever: Annotated[BaseWikiRetriever, BeforeValidator(unwrap_bindings)]
    """A `WikiRetriever`, or a `LiveWikiRetriever`, whose `wiki_search` takes no filter.

    It may be wrapped by `with_config` or `bind`. All tools use its index or wiki.

    If neither the chat model nor the retriever sets the number of passages (`k`), as many are
    retrieved as fit `token_budget`. `min_score` and `token_budget` then decide which are shown."""

    token_budget: int = Field(default=DEFAULT_TOKEN_BUDGET, ge=MIN_TOKEN_BUDGET)
    """Maximum number of tokens of one tool answer."""

    count_tokens: Any = None
    """A chat model, a tokenizer with `encode`, or a function from text to a number of tokens; None
    uses the bundled tokenizer."""

    min_score: float | None = Field(default=DEFAULT_MIN_SCORE, ge=0, le=1)
    """Minimum `relevance_score` of a passage to be shown, in [0, 1]; None shows all passages.

    If no passage is left, `wiki_search` says that the wiki does not answer. Without `rerank` there
    are no scores, and the setting is ignored.

    The score is a calibrated probability. The default is low enough to let every right answer pass.
    It only keeps out unrelated passages, while `token_budget` limits how many are shown."""

    min_top_score: float = Field(default=DEFAULT_MIN_TOP_SCORE, ge=0, le=1)
    """Minimum `relevance_score` of the best passage, in [0, 1].

    Below it, `wiki_search` says that the wiki does not answer. Ignored if `min_score` is None, or
    if the chat model passes a `min_score`."""

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
        """Copy the toolkit; the copy starts with its own citation numbers."""
        return type(self)(**deepcopy(self._settings(), memo))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings but not the citation numbers."""
        return partial(type(self), **self._settings()), ()

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}

    @property
    def library(self) -> ToolContext:
        """The wiki and the settings of the tools, for additional tools over the same wiki."""
        return self._library

    @property
    def conversations(self) -> Conversations:
        """The citation numbers of each conversation."""
        return self._library.conversations

    @override
    def get_tools(self) -> list[BaseTool]:
        """Return the three tools. All tools of a toolkit share citation numbers."""
        return [search_tool(self._library), read_tool(self._library), find_tool(self._library)]

"""Middleware that gives an agent what the wiki has on the user's message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from typing_extensions import override

from langchain_wikirank._agent_state import WikiContextState  # Names the extra if it is missing.
from langchain_wikirank._async import read_in_worker
from langchain_wikirank._context import ContextSettings, compose_turn, last_human, with_context
from langchain_wikirank._evidence.citations import CitationBook
from langchain_wikirank._evidence.default_k import enough_for_budget
from langchain_wikirank._evidence.selection import (
    DEFAULT_MIN_SCORE,
    DEFAULT_MIN_TOP_SCORE,
    DEFAULT_TOKEN_BUDGET,
    Thresholds,
)
from langchain_wikirank._evidence.tokens import token_counter
from langchain_wikirank._tools.library import of_conversation
from langchain_wikirank._tracing import recorded_searches
from langchain_wikirank.tools import WikiToolkit
from wikirank.search.options import SearchResult, bounded_query

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse  # isort: skip
from langgraph.runtime import Runtime  # isort: skip

_NO_CONFIG = RunnableConfig()


class WikiContextMiddleware(AgentMiddleware[WikiContextState, Any, Any]):
    """Searches the wiki once for each message of the user and shows the model what it found.

    The passages are added to the user's message in each model call of the turn, within
    `token_budget`, and are not stored in the message history, which therefore does not grow. So
    in a later turn the model no longer sees them, and what is shown then is:

    - the passages found for the new message, first, each in full, whether or not an earlier turn
      had it, and never twice in one call;
    - then, as far as there is room, those of the turn before that the model has cited in a
      message that is still in the history, so that its citations can be followed up;
    - a passage that a tool of `toolkit` has shown in a message still in the history is named by
      its number only.

    A passage keeps its number `[1]` for the whole thread; this takes a checkpointer. Where no
    passage reaches `min_top_score`, one line says that the wiki does not answer, or that only the
    passages cited before may. A message without
    text, such as an image, is not searched for.

    The agent's result has `wiki_documents`, the passages added in the last turn as plain JSON,
    each with its number under `citation` in its metadata.

    An error of the retriever ends the run, as an agent that silently lost its source would
    answer from memory. Catch it around the agent, or give a retriever that returns no documents
    where it fails.

    Example:
        ```python
        agent = create_agent(
            "openai:gpt-4o-mini",
            middleware=[WikiContextMiddleware(retriever)],
            checkpointer=InMemorySaver(),
        )
        ```

    Args:
        retriever: A `WikiRetriever`, or any other; documents without `relevance_score` count as
            relevant. Of a `WikiRetriever` whose `k` is not set, as many are asked for as can fit
            `token_budget`, which with `min_score` decides what is shown.
        token_budget: Most tokens added to a model call.
        min_score: Least `relevance_score` of a passage, in [0, 1]; None shows all.
        min_top_score: Least `relevance_score` of the best passage, in [0, 1], for the wiki to
            have an answer at all; of no part where `min_score` is None.
        count_tokens: Counts tokens: a chat model, a tokenizer with `encode`, or a function from
            text to a number; None takes the bundled tokenizer.
        toolkit: Tools to give to the agent as well; they and the middleware share their numbers.

    Raises:
        MissingExtraError: langchain is not installed: `pip install "langchain-wikirank[agents]"`.
        InvalidArgumentError: A threshold or `count_tokens` is of no use.
    """

    state_schema = WikiContextState

    def __init__(
        self,
        retriever: BaseRetriever,
        *,
        token_budget: int = DEFAULT_TOKEN_BUDGET,
        min_score: float | None = DEFAULT_MIN_SCORE,
        min_top_score: float = DEFAULT_MIN_TOP_SCORE,
        count_tokens: Any = None,
        toolkit: WikiToolkit | None = None,
    ) -> None:
        super().__init__()
        self.tools = toolkit.get_tools() if toolkit else []
        self._retriever = retriever
        self._default_k = enough_for_budget(retriever, token_budget)
        self._toolkit = toolkit
        names = frozenset(tool.name for tool in self.tools)
        thresholds = Thresholds(min_score, min_top_score)
        self._terms = ContextSettings(token_budget, thresholds, token_counter(count_tokens), names)

    @override
    def before_agent(
        self, state: WikiContextState, runtime: Runtime[Any], config: RunnableConfig = _NO_CONFIG
    ) -> dict[str, Any] | None:
        """Search for the user's message, if it is a new one.

        Args:
            state: The agent's state.
            runtime: Not used.
            config: The run's config.

        Returns:
            What is kept in the state; None if nothing changes.
        """
        message = _new_message(state)
        if message is None:
            return None
        query = bounded_query(str(message.text).strip())
        with recorded_searches() as searches:
            passages = (
                self._retriever.invoke(query, _below(config), **self._default_k) if query else []
            )
        return self._update(message, passages, searches, state, config)

    @override
    async def abefore_agent(
        self, state: WikiContextState, runtime: Runtime[Any], config: RunnableConfig = _NO_CONFIG
    ) -> dict[str, Any] | None:
        """Search without blocking the event loop; see `before_agent`.

        Args:
            state: The agent's state.
            runtime: Not used.
            config: The run's config.

        Returns:
            What is kept in the state; None if nothing changes.
        """
        message = _new_message(state)
        if message is None:
            return None
        query = bounded_query(str(message.text).strip())
        with recorded_searches() as searches:
            passages = (
                await self._retriever.ainvoke(query, _below(config), **self._default_k)
                if query
                else []
            )
        return await read_in_worker(self._update, message, passages, searches, state, config)

    @override
    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the model with what the wiki has on the user's message.

        Args:
            request: The call.
            handler: Makes it.

        Returns:
            The model's response.
        """
        return handler(_with_turn(request))

    @override
    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model asynchronously; see `wrap_model_call`."""
        return await handler(_with_turn(request))

    def _update(
        self,
        message: HumanMessage,
        passages: Sequence[Document],
        searches: Sequence[SearchResult],
        state: WikiContextState,
        config: RunnableConfig,
    ) -> dict[str, Any]:
        before = state.get("wiki_context")
        turn, documents = compose_turn(
            message,
            passages,
            messages=state["messages"],
            before=before["passages"] if before else [],
            citations=self._book(
                before["numbers"] if before else {}, of_conversation(config, state["messages"])
            ),
            terms=self._terms,
            search_note=searches[-1].note if searches else "",
        )
        return {"wiki_context": turn, "wiki_documents": documents}

    def _book(self, numbers: dict[str, int], config: RunnableConfig) -> CitationBook:
        if self._toolkit is None:
            return CitationBook(numbers)
        return self._toolkit.conversations.book(config, numbers)


def _new_message(state: WikiContextState) -> HumanMessage | None:
    """The user's message if it has not been searched for yet."""
    message = last_human(state["messages"])
    before = state.get("wiki_context")
    if message is None or before is None or message.id is None:
        return message
    known = (before["message_id"], before["query"]) == (message.id, str(message.text).strip())
    return None if known else message


def _with_turn(request: ModelRequest[Any]) -> ModelRequest[Any]:
    turn = cast("WikiContextState", request.state).get("wiki_context")
    if not turn or not turn["text"]:
        return request
    return request.override(messages=with_context(request.messages, turn["text"]))


def _below(config: RunnableConfig) -> RunnableConfig:
    """The config of a child run."""
    return {"callbacks": config.get("callbacks")}

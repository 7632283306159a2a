"""Agent middleware that adds wiki passages to the user's message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from typing_extensions import override

from langchain_wikirank._agent_state import WikiContextState  # Raises MissingExtraError.
from langchain_wikirank._async import read_in_worker
from langchain_wikirank._context import ContextSettings, compose_turn, last_human, with_context
from langchain_wikirank._evidence.citations import CitationBook
from langchain_wikirank._evidence.default_k import with_default_k
from langchain_wikirank._evidence.selection import (
    DEFAULT_MIN_SCORE,
    DEFAULT_MIN_TOP_SCORE,
    DEFAULT_TOKEN_BUDGET,
    Thresholds,
)
from langchain_wikirank._evidence.tokens import token_counter
from langchain_wikirank._tools.library import child_config, with_thread_id
from langchain_wikirank._tracing import recorded_searches
from langchain_wikirank.tools import WikiToolkit
from wikirank.search.options import SearchResult, bounded_query

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse  # isort: skip
from langgraph.runtime import Runtime  # isort: skip

_NO_CONFIG = RunnableConfig()


class WikiContextMiddleware(AgentMiddleware[WikiContextState, Any, Any]):
    """Search the wiki once per user message and show the passages to the model.

    The passages are added to the user's message in every model call of the turn, within
    `token_budget`. They are not stored in the message history, so the history does not grow. In a
    later turn the model reads:

    - first, the passages found for the new message, in full and without repetition, even if an
      earlier turn showed them;
    - then, if there is room, passages of the previous turn that the model cited in a message that
      is still in the history, so that the user can ask about them;
    - only the number of a passage that a tool of `toolkit` showed in a message that is still in the
      history.

    A passage keeps its number, such as `[1]`, for the whole thread. This needs a checkpointer. If
    no passage reaches `min_top_score`, one line tells the model that the wiki does not answer, or
    that only the previously cited passages may. A message without text, such as an image, is not
    searched for.

    The result of the agent has `wiki_documents`: the passages added in the last turn as plain JSON,
    with their number in the metadata key `citation`.

    An error of the retriever ends the run, because an agent without its source would answer from
    memory. Catch the error around the agent, or pass a retriever that returns no documents on
    failure.

    Example:
        ```python
        agent = create_agent(
            "openai:gpt-4o-mini",
            middleware=[WikiContextMiddleware(retriever)],
            checkpointer=InMemorySaver(),
        )
        ```

    Args:
        retriever: A `WikiRetriever` or any other retriever. Documents without `relevance_score`
            count as relevant. If `k` of a `WikiRetriever` is not set, as many passages are
            retrieved as fit `token_budget`. `min_score` and `token_budget` then decide which of
            them the model reads.
        token_budget: Maximum number of tokens added to a model call.
        min_score: Minimum `relevance_score` of a passage, in [0, 1]; None shows all passages.
        min_top_score: Minimum `relevance_score` of the best passage, in [0, 1]. Below it, no
            passage is shown. Ignored if `min_score` is None.
        count_tokens: A chat model, a tokenizer with `encode`, or a function from text to a number
            of tokens; None uses the bundled tokenizer.
        toolkit: Tools to add to the agent. They share citation numbers with the middleware.

    Raises:
        MissingExtraError: If langchain is not installed. The extra is `langchain-wikirank[agents]`.
        InvalidArgumentError: If a threshold is not in [0, 1], or `count_tokens` cannot count.
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
        self._default_k = with_default_k(retriever, token_budget)
        self._toolkit = toolkit
        names = frozenset(tool.name for tool in self.tools)
        thresholds = Thresholds(min_score, min_top_score)
        self._settings = ContextSettings(
            token_budget, thresholds, token_counter(count_tokens), names
        )

    @override
    def before_agent(
        self, state: WikiContextState, runtime: Runtime[Any], config: RunnableConfig = _NO_CONFIG
    ) -> dict[str, Any] | None:
        """Search for the user's message if it is a new one.

        Args:
            state: State of the agent.
            runtime: Not used.
            config: Config of the run.

        Returns:
            The update of the state, or None for no change.
        """
        message = _new_message(state)
        if message is None:
            return None
        query = bounded_query(str(message.text).strip())
        with recorded_searches() as searches:
            passages = (
                self._retriever.invoke(query, child_config(config), **self._default_k)
                if query
                else []
            )
        return self._update(message, passages, searches, state, config)

    @override
    async def abefore_agent(
        self, state: WikiContextState, runtime: Runtime[Any], config: RunnableConfig = _NO_CONFIG
    ) -> dict[str, Any] | None:
        """Search without blocking the event loop; see `before_agent`."""
        message = _new_message(state)
        if message is None:
            return None
        query = bounded_query(str(message.text).strip())
        with recorded_searches() as searches:
            passages = (
                await self._retriever.ainvoke(query, child_config(config), **self._default_k)
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
        """Call the model with the passages added to the user's message.

        Args:
            request: The model call.
            handler: Makes the call.

        Returns:
            The response of the model.
        """
        return handler(_with_turn_context(request))

    @override
    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model asynchronously; see `wrap_model_call`."""
        return await handler(_with_turn_context(request))

    def _update(
        self,
        message: HumanMessage,
        passages: Sequence[Document],
        searches: Sequence[SearchResult],
        state: WikiContextState,
        config: RunnableConfig,
    ) -> dict[str, Any]:
        previous = state.get("wiki_context")
        turn, documents = compose_turn(
            message,
            passages,
            messages=state["messages"],
            previous=previous["passages"] if previous else [],
            citations=self._book(
                previous["numbers"] if previous else {}, with_thread_id(config, state["messages"])
            ),
            settings=self._settings,
            search_note=searches[-1].note if searches else "",
        )
        return {"wiki_context": turn, "wiki_documents": documents}

    def _book(self, numbers: dict[str, int], config: RunnableConfig) -> CitationBook:
        if self._toolkit is None:
            return CitationBook(numbers)
        return self._toolkit.conversations.book(config, numbers)


def _new_message(state: WikiContextState) -> HumanMessage | None:
    """Return the user's last message, or None if it was searched for already."""
    message = last_human(state["messages"])
    turn = state.get("wiki_context")
    if message is None or turn is None or message.id is None:
        return message
    is_same = (turn["message_id"], turn["query"]) == (message.id, str(message.text).strip())
    return None if is_same else message


def _with_turn_context(request: ModelRequest[Any]) -> ModelRequest[Any]:
    turn = cast("WikiContextState", request.state).get("wiki_context")
    if not turn or not turn["text"]:
        return request
    return request.override(messages=with_context(request.messages, turn["text"]))

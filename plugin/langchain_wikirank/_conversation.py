"""What was asked, and what was said before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages

from wikirank.errors import InvalidArgumentError


def asked(given: Any) -> tuple[str, list[BaseMessage]]:
    """Read the input of a question-answering chain.

    Args:
        given: A question, or a mapping with `question` and perhaps `chat_history`.

    Returns:
        The question, and what person and model said before it, as text alone.

    Raises:
        InvalidArgumentError: It is neither, the question is empty, or the history is no messages.
    """
    question: Any = given
    history: Any = []
    if isinstance(given, Mapping):
        question, history = given.get("question"), given.get("chat_history") or []
    if not isinstance(question, str) or not question.strip():
        msg = (
            "Expected a question, as text or as {'question': …, 'chat_history': […]}, "
            f"got {given!r:.200}."
        )
        raise InvalidArgumentError(msg)
    return question.strip(), list(_spoken(_messages(history)))


def _messages(history: Any) -> list[BaseMessage]:
    try:
        if isinstance(history, (str, Mapping)) or not isinstance(history, Sequence):
            raise TypeError
        return convert_to_messages(history)
    except (TypeError, ValueError, NotImplementedError) as err:
        msg = (
            "Expected chat_history to be a list of messages, such as ('human', 'Who was Ada?'), "
            f"got {history!r:.200}."
        )
        raise InvalidArgumentError(msg) from err


def _spoken(messages: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    """Questions and answers as plain text, without tool calls, which not every model reads."""
    for message in messages:
        text = str(message.text)
        if text.strip() and isinstance(message, (HumanMessage, AIMessage)):
            is_human = isinstance(message, HumanMessage)
            yield HumanMessage(text) if is_human else AIMessage(text)

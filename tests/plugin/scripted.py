"""LangChain's scripted chat models in place of a real one, and what they were given to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable


class ScriptedChatModel(GenericFakeChatModel):
    """Says the given messages one after another; takes tools and never looks at them."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:  # noqa: ARG002
        return self


def scripted(*replies: str | AIMessage) -> ScriptedChatModel:
    messages = (AIMessage(reply) if isinstance(reply, str) else reply for reply in replies)
    return ScriptedChatModel(messages=messages)


class Prompts(BaseCallbackHandler):
    """Keeps the messages of each call of a chat model."""

    def __init__(self) -> None:
        self.calls: list[Sequence[BaseMessage]] = []

    def on_chat_model_start(self, _: Any, messages: list[list[BaseMessage]], **__: Any) -> None:
        self.calls.extend(messages)

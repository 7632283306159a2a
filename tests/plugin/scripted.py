"""LangChain's scripted chat models, and a record of their input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable


class ScriptedChatModel(GenericFakeChatModel):
    """Chat model that replies with the given messages in order and ignores its tools."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:  # noqa: ARG002
        return self


def scripted(*replies: str | AIMessage) -> ScriptedChatModel:
    messages = (AIMessage(reply) if isinstance(reply, str) else reply for reply in replies)
    return ScriptedChatModel(messages=messages)


class Prompts(BaseCallbackHandler):
    """Record the messages of each chat model call."""

    def __init__(self) -> None:
        self.calls: list[Sequence[BaseMessage]] = []

    def on_chat_model_start(self, _: Any, messages: list[list[BaseMessage]], **__: Any) -> None:
        self.calls.extend(messages)

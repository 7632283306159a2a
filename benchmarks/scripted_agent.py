"""A SCRIPTED agent: LangChain's agent loop around a chat model that only plays a script.

No language model takes part. What is measured is what a tool gives a model to read: the messages
are those of a real agent, the queries are written out beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agent_questions import Question, Step, gold_recall, was_read
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr


class ScriptedChatModel(BaseChatModel):
    """SCRIPTED: sends a question's queries in order, and reads nothing but for golds.

    A step whose golds it has read already is passed over, as an agent asks for nothing that it
    knows. It never asks twice.
    """

    question: Question
    count_tokens: Callable[[str], int]
    _schema_tokens: int = PrivateAttr(default=0)
    _prompt_tokens: int = PrivateAttr(default=0)
    _tool: str = PrivateAttr(default="")

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def prompt_tokens(self) -> int:
        """All that it was given to read, over all turns: messages and the tools' schemas."""
        return self._prompt_tokens

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> ScriptedChatModel:
        """Take the one tool that the script calls."""
        schema = convert_to_openai_tool(tools[0])
        self._tool = schema["function"]["name"]
        self._schema_tokens = self.count_tokens(json.dumps(schema))
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        read = self.count_tokens("\n".join(str(message.content) for message in messages))
        self._prompt_tokens += read + self._schema_tokens
        return ChatResult(generations=[ChatGeneration(message=self._next(messages))])

    def _next(self, messages: list[BaseMessage]) -> AIMessage:
        said = [message for message in messages if isinstance(message, AIMessage)]
        asked = {call["args"]["query"] for message in said for call in message.tool_calls}
        texts = tool_texts(messages)
        for step in self.question.steps:
            if step.query not in asked and not _knows(step, texts):
                call = {"name": self._tool, "args": {"query": step.query}, "id": f"{len(asked)}"}
                return AIMessage("", tool_calls=[call])
        return AIMessage("The script ends here.")


@dataclass(frozen=True, slots=True)
class AgentRun:
    """What one question came to.

    Attributes:
        question: The question.
        texts: What each call gave to read.
        tokens: How many tokens each of them has.
        abstained: Whether each call said that the wiki does not answer.
        prompt_tokens: All tokens that a model would have been sent, over all its turns.
    """

    question: Question
    texts: list[str]
    tokens: list[int]
    abstained: list[bool]
    prompt_tokens: int

    @property
    def recall(self) -> float:
        """Share of the golds that were read."""
        return gold_recall(self.question, self.texts)


def ask(question: Question, tool: BaseTool, count_tokens: Callable[[str], int]) -> AgentRun:
    """Run the agent loop over one question.

    Args:
        question: The question.
        tool: The search tool; takes `query`.
        count_tokens: Counts the tokens of a text.

    Returns:
        What there was to read.

    Raises:
        RuntimeError: The tool told the model of an error.
    """
    model = ScriptedChatModel(question=question, count_tokens=count_tokens)
    agent = create_agent(model, [tool])
    state = agent.invoke({"messages": [HumanMessage(question.question)]})
    messages = [m for m in state["messages"] if isinstance(m, ToolMessage)]
    if failed := [m.content for m in messages if m.status == "error"]:
        raise RuntimeError(failed[0])  # An error told to a model is not an answer to count.
    texts = tool_texts(messages)
    return AgentRun(
        question=question,
        texts=texts,
        tokens=[count_tokens(text) for text in texts],
        abstained=[_abstained(message) for message in messages],
        prompt_tokens=model.prompt_tokens,
    )


def tool_texts(messages: Sequence[BaseMessage]) -> list[str]:
    """What the tools gave to read."""
    return [str(message.content) for message in messages if isinstance(message, ToolMessage)]


def _knows(step: Step, texts: Sequence[str]) -> bool:
    found = [any(was_read(gold, text) for text in texts) for gold in step.gold]
    return bool(found) and all(found)


def _abstained(message: ToolMessage) -> bool:
    if not str(message.content).strip():
        return True
    artifact = message.artifact
    return bool(artifact.get("abstained")) if isinstance(artifact, dict) else False

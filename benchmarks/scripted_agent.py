"""A scripted agent: LangChain's agent loop around a chat model that plays a script.

No language model is involved. The messages are those of a real agent, but the queries are fixed, so
the benchmark measures only what a tool gives the model to read.
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
    """A chat model that sends the queries of a question in order.

    It skips a step if it has already read all gold passages of the step, as a real agent does not
    ask for what it knows. It never sends a query twice.
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
        """Number of tokens received over all turns, for messages and tool schemas."""
        return self._prompt_tokens

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> ScriptedChatModel:
        """Bind the one tool that the script calls."""
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
    """The results of asking one question.

    Attributes:
        question: The question that was asked.
        texts: Tool message of each call.
        tokens: Number of tokens of each message.
        abstained: For each call, whether the tool said that the wiki has no answer.
        prompt_tokens: Number of tokens sent to the model, over all turns.
    """

    question: Question
    texts: list[str]
    tokens: list[int]
    abstained: list[bool]
    prompt_tokens: int

    @property
    def recall(self) -> float:
        """Share of the gold passages that were read, from 0 to 1."""
        return gold_recall(self.question, self.texts)


def ask(question: Question, tool: BaseTool, count_tokens: Callable[[str], int]) -> AgentRun:
    """Run the agent loop for one question.

    Args:
        question: The question to ask.
        tool: A search tool that takes `query`.
        count_tokens: Returns the number of tokens in a text.

    Returns:
        The messages that the tool returned, and counts of their tokens.

    Raises:
        RuntimeError: If the tool returned an error message.
    """
    model = ScriptedChatModel(question=question, count_tokens=count_tokens)
    agent = create_agent(model, [tool])
    state = agent.invoke({"messages": [HumanMessage(question.question)]})
    messages = [m for m in state["messages"] if isinstance(m, ToolMessage)]
    if failed := [m.content for m in messages if m.status == "error"]:
        raise RuntimeError(failed[0])  # An error message must not count as an answer.
    texts = tool_texts(messages)
    return AgentRun(
        question=question,
        texts=texts,
        tokens=[count_tokens(text) for text in texts],
        abstained=[_abstained(message) for message in messages],
        prompt_tokens=model.prompt_tokens,
    )


def tool_texts(messages: Sequence[BaseMessage]) -> list[str]:
    """Return the texts of the tool messages."""
    return [str(message.content) for message in messages if isinstance(message, ToolMessage)]


def _knows(step: Step, texts: Sequence[str]) -> bool:
    read = [any(was_read(gold, text) for text in texts) for gold in step.gold]
    return bool(read) and all(read)


def _abstained(message: ToolMessage) -> bool:
    if not str(message.content).strip():
        return True
    artifact = message.artifact
    return bool(artifact.get("abstained")) if isinstance(artifact, dict) else False

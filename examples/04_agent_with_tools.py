"""An agent that searches a wiki, looks up words in a page and cites passages.

Run: python examples/04_agent_with_tools.py

By default, a scripted model makes fixed tool calls. To use a real chat model:

    pip install langchain langchain-openai
    export OPENAI_API_KEY=…
    WIKIRANK_CHAT_MODEL=openai:gpt-4o-mini python examples/04_agent_with_tools.py
"""

from __future__ import annotations

import os
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.runnables import Runnable

from langchain_wikirank import WikiRetriever, WikiToolkit

QUESTION = "Who named the asteroid that hit the Earth at Chelyabinsk, and how big was it?"
TEXTS = [
    "The Chelyabinsk meteor was an asteroid about 18 metres across that entered the atmosphere "
    "over Russia on 15 February 2013.",
    "The explosion broke windows in six cities and injured about 1,500 people.",
    "The largest piece, of 654 kilograms, was lifted from Lake Chebarkul in October 2013.",
    "Tunguska is the site of an explosion that flattened a forest in 1908.",
]
METADATAS = [
    *(
        {"title": "Chelyabinsk meteor", "section": section, "url": "https://w.org/Chelyabinsk"}
        for section in ("", "Damage", "Fragments")
    ),
    {"title": "Tunguska event", "url": "https://w.org/Tunguska"},
]
PROMPT = (
    "Answer from the wiki alone. Cite the passages that your answer rests on by their numbers, "
    "like [1]; if the wiki does not answer, say so."
)


class ScriptedModel(GenericFakeChatModel):
    """A fake chat model that returns scripted messages."""

    def bind_tools(self, *_: Any, **__: Any) -> Runnable[Any, AIMessage]:
        """Ignore the tools: the calls are scripted."""
        return self


def tool_call(number: int, name: str, **args: Any) -> AIMessage:
    """Make a message that calls a tool."""
    return AIMessage("", tool_calls=[{"id": str(number), "name": name, "args": args}])


def chat_model() -> BaseChatModel:
    """Return the model named by WIKIRANK_CHAT_MODEL, or the scripted one."""
    name = os.environ.get("WIKIRANK_CHAT_MODEL")
    if name:
        from langchain.chat_models import init_chat_model

        return init_chat_model(name)
    print("[No WIKIRANK_CHAT_MODEL: a SCRIPTED model answers, the same for any question.]\n")
    script = [
        tool_call(1, "wiki_search", query="How big was the Chelyabinsk asteroid?", k=2),
        tool_call(2, "wiki_find", pattern="named", title="Chelyabinsk meteor"),
        AIMessage("It was about 18 metres across [1]; the wiki does not say who named it."),
    ]
    return ScriptedModel(messages=iter(script))


def main() -> None:
    """Print the tool calls of the agent, the answers of the tools, and the final answer."""
    retriever = WikiRetriever.from_texts(TEXTS, metadatas=METADATAS)
    toolkit = WikiToolkit(retriever=retriever, token_budget=800)
    agent = create_agent(chat_model(), toolkit.get_tools(), system_prompt=PROMPT)
    print(f"Question: {QUESTION}\n")
    config = {"configurable": {"thread_id": "example"}}
    for step in agent.stream({"messages": [("user", QUESTION)]}, config, stream_mode="updates"):
        for message in (message for update in step.values() for message in update["messages"]):
            for call in getattr(message, "tool_calls", []):
                print(f"→ {call['name']} {call['args']}")
            if isinstance(message, ToolMessage):
                print(f"{message.text}\n")
            elif message.text:
                print(f"Answer: {message.text}")


if __name__ == "__main__":
    main()

"""A conversation with an agent that uses the middleware, and a record of its model's input."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import Field
from scripted import Prompts, scripted

from langchain_wikirank import WikiContextMiddleware, WikiRetriever


class Counting(BaseRetriever):
    """A retriever around one of ours that records its queries."""

    inner: WikiRetriever | None = None
    documents: list[Document] = Field(default_factory=list)
    asked: list[str] = Field(default_factory=list)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        self.asked.append(query)
        if self.inner is None:
            return self.documents
        return self.inner.invoke(query, {"callbacks": run_manager.get_child()})


class Conversation:
    """An agent with the middleware, a thread, and the model's input in each call."""

    def __init__(self, retriever: BaseRetriever, *script: str | AIMessage, **settings: Any) -> None:
        self.prompts = Prompts()
        self.config: RunnableConfig = {
            "callbacks": [self.prompts],
            "configurable": {"thread_id": "1"},
        }
        self.agent = create_agent(
            scripted(*script),
            [rainfall],
            middleware=[WikiContextMiddleware(retriever, **settings)],
            system_prompt="Be brief.",
            checkpointer=InMemorySaver(),
        )

    def say(self, content: Any) -> dict[str, Any]:
        return self.agent.invoke({"messages": [HumanMessage(content)]}, self.config)

    async def asay(self, content: Any) -> dict[str, Any]:
        return await self.agent.ainvoke({"messages": [HumanMessage(content)]}, self.config)

    def read(self, call: int = -1) -> str:
        """The user's last message, as the model got it."""
        return last_human(self.prompts.calls[call]).text


@tool
def rainfall(city: str) -> str:
    """How much it rains in a city."""
    return f"600 mm a year in {city}."


def last_human(messages: Any) -> BaseMessage:
    humans = [message for message in messages if isinstance(message, HumanMessage)]
    return humans[-1]


def call_rainfall(number: int) -> AIMessage:
    call = {"name": "rainfall", "args": {"city": "Canberra"}, "id": str(number)}
    return AIMessage("", tool_calls=[call])


def text_of(city_retriever: WikiRetriever, question: str) -> str:
    return city_retriever.invoke(question, k=1)[0].page_content

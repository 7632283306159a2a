"""Retrieval-augmented generation in one chain: question in, answer and cited documents out."""

from __future__ import annotations

from typing import Any, TypedDict

from langchain_core.documents import Document
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import BasePromptTemplate, ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableParallel, RunnablePassthrough

from langchain_wikirank._format import numbered_passages

RAG_PROMPT = ChatPromptTemplate.from_messages(
    [
        (
            "system",
            "Answer the question from the numbered wiki passages below and from nothing else. "
            "Cite each statement with the number of its passage, like [1]. If the passages do "
            "not hold the answer, say so.\n\n{context}",
        ),
        ("human", "{question}"),
    ]
)
"""The default prompt; `context` is the numbered list of passages."""


class WikiRagAnswer(TypedDict):
    """What the chain returns.

    Attributes:
        documents: The passages shown to the chat model; `[1]` in the answer is the first.
        answer: The chat model's answer.
    """

    documents: list[Document]
    answer: str


def create_wiki_rag_chain(
    llm: Runnable[LanguageModelInput, BaseMessage],
    retriever: BaseRetriever,
    prompt: BasePromptTemplate[Any] | None = None,
) -> Runnable[str, WikiRagAnswer]:
    """Make a chain that answers a question from the wiki with a chat model.

    Args:
        llm: A chat model.
        retriever: A `WikiRetriever`, or a retriever around one.
        prompt: A prompt of `context` and `question`; None takes `RAG_PROMPT`.

    Returns:
        A runnable from a question to a `WikiRagAnswer`; streaming it gives the documents first
        and then the answer piece by piece.
    """
    answer = (
        RunnablePassthrough.assign(context=lambda found: numbered_passages(found["documents"]))
        | (prompt or RAG_PROMPT)
        | llm
        | StrOutputParser()
    )
    found = RunnableParallel(question=RunnablePassthrough(), documents=retriever)
    chain: Runnable[str, Any] = found.assign(answer=answer).pick(["documents", "answer"])
    return chain.with_config(run_name="wiki_rag")

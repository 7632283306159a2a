"""Answer questions from wiki passages with a chat model, and list the sources.

Run: python examples/03_rag_chain.py

By default, a scripted model gives fixed answers. To use a real chat model:

    pip install langchain langchain-openai
    export OPENAI_API_KEY=…
    WIKIRANK_CHAT_MODEL=openai:gpt-4o-mini python examples/03_rag_chain.py
"""

from __future__ import annotations

import os

from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage

from langchain_wikirank import WikiAnswer, WikiRetriever, create_wiki_qa_chain

QUESTION = "How long does light from the Sun take to reach the Earth?"
FOLLOW_UP = "And how old is it?"
UNANSWERABLE = "Who composed the opera Fidelio?"
TEXTS = [
    "Sunlight takes about 8 minutes and 20 seconds to reach the Earth.",
    "The Sun is about 4.6 billion years old.",
    "The Moon orbits the Earth at a mean distance of 384,400 kilometres.",
]
METADATAS = [
    {"title": "Sunlight", "url": "https://en.wikipedia.org/wiki/Sunlight"},
    {"title": "Sun", "url": "https://en.wikipedia.org/wiki/Sun"},
    {"title": "Moon", "url": "https://en.wikipedia.org/wiki/Moon"},
]


def chat_model() -> BaseChatModel:
    """Return the model named by WIKIRANK_CHAT_MODEL, or the scripted one."""
    name = os.environ.get("WIKIRANK_CHAT_MODEL")
    if name:
        from langchain.chat_models import init_chat_model

        return init_chat_model(name)
    print("[No WIKIRANK_CHAT_MODEL: a SCRIPTED model answers, the same for any questions.]")
    script = [
        "About 8 minutes and 20 seconds [1], as all books say [7].",
        "How old is the Sun?",  # The follow-up question, rewritten.
        "About 4.6 billion years [1].",
    ]
    return GenericFakeChatModel(messages=iter(map(AIMessage, script)))


def main() -> None:
    """Stream an answer, ask a follow-up question, and ask what the texts do not answer."""
    retriever = WikiRetriever.from_texts(TEXTS, metadatas=METADATAS, k=2)
    chain = create_wiki_qa_chain(chat_model(), retriever)

    print(f"\nQuestion: {QUESTION}\nAnswer: ", end="")
    answer = WikiAnswer()
    for piece in chain.stream(QUESTION):
        print(piece.answer, end="", flush=True)
        answer += piece
    show_sources(answer)

    history = [("human", QUESTION), ("ai", answer.answer)]
    answer = chain.invoke({"question": FOLLOW_UP, "chat_history": history})
    print(f"\nQuestion: {FOLLOW_UP}  →  {answer.question}\nAnswer: {answer.answer}", end="")
    show_sources(answer)

    answer = chain.invoke(UNANSWERABLE)
    print(f"\nQuestion: {UNANSWERABLE}\nAnswer: {answer.answer} (abstained: {answer.abstained})")


def show_sources(answer: WikiAnswer) -> None:
    """Print the cited passages, and the citation numbers that match no passage."""
    print()
    for citation in answer.citations:
        print(f"[{citation.number}] {citation.title}  {citation.url}  {citation.score:.3f}")
    if answer.invented_citations:
        print(f"Invented by the model and removed: {answer.invented_citations}")


if __name__ == "__main__":
    main()

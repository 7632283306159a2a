"""Answer questions from wiki passages with a chat model of your choice, sources resolved.

Run: python examples/03_rag_chain.py

Without a chat model it runs with a scripted stand-in whose answers are fixed. For a real one:

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
FOREIGN = "Who composed the opera Fidelio?"
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
    """The model that WIKIRANK_CHAT_MODEL names, or the scripted stand-in."""
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
    """Stream an answer, then ask on, then ask for what the texts do not say."""
    retriever = WikiRetriever.from_texts(TEXTS, metadatas=METADATAS, k=2)
    chain = create_wiki_qa_chain(chat_model(), retriever)

    print(f"\nQuestion: {QUESTION}\nAnswer: ", end="")
    found = WikiAnswer()
    for piece in chain.stream(QUESTION):
        print(piece.answer, end="", flush=True)
        found += piece
    show_sources(found)

    history = [("human", QUESTION), ("ai", found.answer)]
    found = chain.invoke({"question": FOLLOW_UP, "chat_history": history})
    print(f"\nQuestion: {FOLLOW_UP}  →  {found.question}\nAnswer: {found.answer}", end="")
    show_sources(found)

    found = chain.invoke(FOREIGN)
    print(f"\nQuestion: {FOREIGN}\nAnswer: {found.answer} (abstained: {found.abstained})")


def show_sources(found: WikiAnswer) -> None:
    """Print the passages that the numbers refer to, and the numbers that refer to none."""
    print()
    for citation in found.citations:
        print(f"[{citation.number}] {citation.title}  {citation.url}  {citation.score:.3f}")
    if found.invented_citations:
        print(f"Invented by the model, and taken out: {found.invented_citations}")


if __name__ == "__main__":
    main()

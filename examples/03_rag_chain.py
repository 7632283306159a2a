"""Answer a question from wiki passages with a chat model of your choice.

Run: python examples/03_rag_chain.py

Without a chat model it runs with a scripted stand-in whose answer is fixed. For a real one:

    pip install langchain langchain-openai
    export OPENAI_API_KEY=…
    WIKIRANK_CHAT_MODEL=openai:gpt-4o-mini python examples/03_rag_chain.py
"""

from __future__ import annotations

import os

from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage

from langchain_wikirank import WikiRetriever, create_wiki_rag_chain

QUESTION = "How long does light from the Sun take to reach the Earth?"
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
    print("[No WIKIRANK_CHAT_MODEL: a SCRIPTED model answers, the same for any question.]")
    return GenericFakeChatModel(messages=iter([AIMessage("About 8 minutes and 20 seconds [1].")]))


def main() -> None:
    """Stream the answer, then list the passages that its numbers refer to."""
    retriever = WikiRetriever.from_texts(TEXTS, METADATAS, k=2)
    chain = create_wiki_rag_chain(chat_model(), retriever)
    print(f"Question: {QUESTION}\nAnswer: ", end="")
    documents = []
    for piece in chain.stream(QUESTION):
        documents.extend(piece.get("documents", []))
        print(piece.get("answer", ""), end="", flush=True)
    print("\n")
    for number, document in enumerate(documents, 1):
        print(f"[{number}] {document.metadata['title']}  {document.metadata['url']}")


if __name__ == "__main__":
    main()

"""An agent with middleware that searches a wiki for each question before the model answers.

Run: python examples/05_agent_with_middleware.py

By default, a scripted model gives fixed answers. To use a real chat model:

    pip install "langchain-wikirank[agents]" langchain-openai
    export OPENAI_API_KEY=…
    WIKIRANK_CHAT_MODEL=openai:gpt-4o-mini python examples/05_agent_with_middleware.py
"""

from __future__ import annotations

import os

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_wikirank import WikiContextMiddleware, WikiRetriever

QUESTIONS = [
    "Which planet has the tallest volcano?",
    "How high is it?",
    "Who wrote the opera Fidelio?",
]
TEXTS = [
    "Olympus Mons, on the planet Mars, is the tallest volcano of the Solar System, 21.9 km high.",
    "Mauna Kea is the tallest mountain on Earth from base to peak, at 10.2 km.",
    "Venus is the hottest planet of the Solar System, at 464 degrees.",
]
METADATAS = [
    {"title": title, "url": f"https://en.wikipedia.org/wiki/{title.replace(' ', '_')}"}
    for title in ("Olympus Mons", "Mauna Kea", "Venus")
]
PROMPT = (
    "Answer from the wiki alone. Cite the passages that your answer rests on by their numbers, "
    "like [1]; if the wiki does not answer, say so."
)


def chat_model() -> BaseChatModel:
    """Return the model named by WIKIRANK_CHAT_MODEL, or the scripted one."""
    name = os.environ.get("WIKIRANK_CHAT_MODEL")
    if name:
        from langchain.chat_models import init_chat_model

        return init_chat_model(name)
    print("[No WIKIRANK_CHAT_MODEL: a SCRIPTED model answers, the same for any questions.]")
    script = ["Mars: Olympus Mons [1].", "It is 21.9 km high [1].", "The wiki does not say."]
    return GenericFakeChatModel(messages=iter(map(AIMessage, script)))


def main() -> None:
    """Ask three questions in one thread, and print the added passages and the answers."""
    retriever = WikiRetriever.from_texts(TEXTS, metadatas=METADATAS)
    agent = create_agent(
        chat_model(),
        middleware=[WikiContextMiddleware(retriever, token_budget=600)],
        system_prompt=PROMPT,
        checkpointer=InMemorySaver(),
    )
    for question in QUESTIONS:
        thread = {"configurable": {"thread_id": "example"}}
        result = agent.invoke({"messages": [("user", question)]}, thread)
        print(f"\nQuestion: {question}")
        for passage in result["wiki_documents"]:
            metadata = passage["metadata"]
            score = metadata["relevance_score"]
            print(f"  added [{metadata['citation']}] {metadata['title']}  {score:.3f}")
        print(f"Answer: {result['messages'][-1].text}")
    print(f"\nMessages in the history: {len(result['messages'])}, none of them a passage.")


if __name__ == "__main__":
    main()

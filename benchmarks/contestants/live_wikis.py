"""What `live_wiki.py` compares: retrievers over one wiki, each its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.retrievers import BaseRetriever

Answer = Callable[[dict[str, Any]], dict[str, Any]]

CONTESTANTS = {
    "index": "our own index",
    "mediawiki": "`from_mediawiki`",
    "zim": "`from_zim`",
    "wikipedia": "LangChain's `WikipediaRetriever`, as it comes",
    "wikipedia-text": "the same, made to search texts",
}
_K = 10  # More than fill 1,000 tokens.
_SECONDS = 600.0  # On a busy machine a wiki is slow, and what is compared is what it finds.


def load(name: str, place: str) -> Answer:
    """What `contestants.serve` calls.

    Args:
        name: One of `CONTESTANTS`.
        place: Address of the wiki, the ZIM file, or the index's folder.

    Returns:
        Takes `question`, gives `texts`, best first, and milliseconds by stage.
    """
    if name.startswith("wikipedia"):
        return _of_langchain(place, in_text=name.endswith("text"))
    return _of_ours(name, place)


def _of_ours(name: str, place: str) -> Answer:
    from langchain_wikirank import WikiRetriever

    make: Any = {
        "index": WikiRetriever.from_index,
        "mediawiki": WikiRetriever.from_mediawiki,
        "zim": WikiRetriever.from_zim,
    }[name]
    patient = {} if name == "index" else {"seconds": _SECONDS}
    retriever = make(place, k=_K, **patient)
    retriever.search("Warm up.")

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        result = retriever.search(request["question"])
        texts = [found.passage.headed_text for found in result.passages]
        return {"texts": texts, "timings": result.timings}

    return answer


def _of_langchain(place: str, *, in_text: bool) -> Answer:
    import wikipedia.wikipedia as client
    from langchain_community.retrievers import WikipediaRetriever

    retriever: BaseRetriever = WikipediaRetriever()  # type: ignore[call-arg]
    client.API_URL = f"{place}/api.php"
    if in_text:
        send = client._wiki_request
        client._wiki_request = lambda fields: send({"srwhat": "text", **fields})

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        found = retriever.invoke(request["question"])
        return {
            "texts": [document.page_content for document in found],
            "summaries": [document.metadata["summary"] for document in found],
        }

    return answer

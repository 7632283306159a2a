"""The retrievers that `live_wiki.py` compares, all over the same wiki."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.retrievers import BaseRetriever

Answer = Callable[[dict[str, Any]], dict[str, Any]]

CONTESTANTS = {
    "index": "our own index",
    "mediawiki": "`from_mediawiki`",
    "zim": "`from_zim`",
    "wikipedia": "LangChain's `WikipediaRetriever`, by default",
    "wikipedia-text": "the same, made to search texts",
}
_K = 10  # More than fill 1,000 tokens.
_SECONDS = 600.0  # A wiki is slow on a busy machine; the comparison is of what it finds.


def load(name: str, place: str) -> Answer:
    """Load a retriever for `contestants.serve`.

    Args:
        name: One of `CONTESTANTS`.
        place: Address of the wiki, path of the ZIM file, or folder of the index.

    Returns:
        A function from a `question` to `texts`, best first, and `timings` in milliseconds.
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

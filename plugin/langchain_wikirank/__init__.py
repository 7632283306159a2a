"""LangChain face of wikirank: wiki passages, reranked by a cross-encoder, scored and cited.

A name is imported when it is first used, so that a program that only reranks loads no Chroma.
torch and sentence-transformers are loaded only where a model needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_wikirank.answer import Citation, WikiAnswer
    from langchain_wikirank.chain import create_wiki_qa_chain
    from langchain_wikirank.compressor import WikiReranker
    from langchain_wikirank.embeddings import WikiEmbeddings
    from langchain_wikirank.mcp import create_mcp_server
    from langchain_wikirank.middleware import WikiContextMiddleware
    from langchain_wikirank.retriever import WikiRetriever
    from langchain_wikirank.tools import WikiToolkit

__all__ = [
    "Citation",
    "WikiAnswer",
    "WikiContextMiddleware",
    "WikiEmbeddings",
    "WikiReranker",
    "WikiRetriever",
    "WikiToolkit",
    "create_mcp_server",
    "create_wiki_qa_chain",
]

_MODULES = {
    "Citation": "answer",
    "WikiAnswer": "answer",
    "WikiContextMiddleware": "middleware",
    "WikiEmbeddings": "embeddings",
    "WikiReranker": "compressor",
    "WikiRetriever": "retriever",
    "WikiToolkit": "tools",
    "create_mcp_server": "mcp",
    "create_wiki_qa_chain": "chain",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

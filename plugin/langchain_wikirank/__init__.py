"""LangChain face of wikirank: wiki passages, reranked by a cross-encoder, scored and cited.

A name is imported when it is first used, so that a program that only reranks loads no Chroma.
torch and sentence-transformers are loaded only where a model needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_wikirank.chain import create_wiki_rag_chain
    from langchain_wikirank.compressor import WikiReranker
    from langchain_wikirank.embeddings import WikiEmbeddings
    from langchain_wikirank.retriever import WikiRetriever
    from langchain_wikirank.tools import WikiToolkit

__all__ = [
    "WikiEmbeddings",
    "WikiReranker",
    "WikiRetriever",
    "WikiToolkit",
    "create_wiki_rag_chain",
]

_MODULES = {
    "WikiEmbeddings": "embeddings",
    "WikiReranker": "compressor",
    "WikiRetriever": "retriever",
    "WikiToolkit": "tools",
    "create_wiki_rag_chain": "chain",
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

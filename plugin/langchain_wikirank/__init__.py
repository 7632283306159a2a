"""LangChain components of wikirank: retrieve wiki passages, rerank, score and cite them.

Names are imported at first use, so a program that only reranks does not load Chroma. torch and
sentence-transformers are loaded only if a model needs them. The exceptions are those of
`wikirank.errors`, which shows their hierarchy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wikirank import __version__
from wikirank._lazy import lazy_names
from wikirank._providers import register_provider_loader
from wikirank.errors import (
    ClusterError,
    CorpusError,
    EmptyCorpusError,
    IndexConnectionError,
    IndexLockedError,
    IndexMismatchError,
    IndexNotFoundError,
    IndexStorageError,
    InvalidArgumentError,
    MissingExtraError,
    ModelError,
    SourceAccessError,
    SourceConnectionError,
    TextTooLongError,
    TruncationWarning,
    WikirankError,
)

if TYPE_CHECKING:
    from langchain_wikirank.answer import Citation, WikiAnswer
    from langchain_wikirank.chain import create_wiki_qa_chain
    from langchain_wikirank.compressor import WikiReranker
    from langchain_wikirank.embeddings import WikiEmbeddings
    from langchain_wikirank.live import LiveWikiRetriever
    from langchain_wikirank.mcp import create_mcp_server
    from langchain_wikirank.middleware import WikiContextMiddleware
    from langchain_wikirank.retriever import WikiRetriever
    from langchain_wikirank.tools import WikiToolkit
    from wikirank.embed import Embedder

__all__ = [
    "Citation",
    "ClusterError",
    "CorpusError",
    "EmptyCorpusError",
    "IndexConnectionError",
    "IndexLockedError",
    "IndexMismatchError",
    "IndexNotFoundError",
    "IndexStorageError",
    "InvalidArgumentError",
    "LiveWikiRetriever",
    "MissingExtraError",
    "ModelError",
    "SourceAccessError",
    "SourceConnectionError",
    "TextTooLongError",
    "TruncationWarning",
    "WikiAnswer",
    "WikiContextMiddleware",
    "WikiEmbeddings",
    "WikiReranker",
    "WikiRetriever",
    "WikiToolkit",
    "WikirankError",
    "__version__",
    "create_mcp_server",
    "create_wiki_qa_chain",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Citation": "answer",
        "LiveWikiRetriever": "live",
        "WikiAnswer": "answer",
        "WikiContextMiddleware": "middleware",
        "WikiEmbeddings": "embeddings",
        "WikiReranker": "compressor",
        "WikiRetriever": "retriever",
        "WikiToolkit": "tools",
        "create_mcp_server": "mcp",
        "create_wiki_qa_chain": "chain",
    },
)


def _load_provider(name: str) -> Embedder:
    from langchain_wikirank._provider_embeddings import load_provider_embedder

    return load_provider_embedder(name)


register_provider_loader(_load_provider)

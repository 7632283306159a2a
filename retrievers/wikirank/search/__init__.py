"""Search: dense and lexical retrieval, fusion, reranking, threshold, neighbours."""

from __future__ import annotations

from wikirank.search.options import Retrieved, SearchOptions, SearchResult
from wikirank.search.pipeline import Searcher

__all__ = ["Retrieved", "SearchOptions", "SearchResult", "Searcher"]

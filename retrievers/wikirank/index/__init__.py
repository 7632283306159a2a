"""The index: passages in SQLite, vectors in Chroma and BM25 in tantivy, kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wikirank._lazy import lazy_names

if TYPE_CHECKING:
    from wikirank.index.collection import open_collection_index
    from wikirank.index.index import WikiIndex
    from wikirank.index.report import IndexInfo, IndexProgress, IndexReport

__all__ = ["IndexInfo", "IndexProgress", "IndexReport", "WikiIndex", "open_collection_index"]

# Loaded on first use: searching needs no reports, reading a setting needs no index.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "IndexInfo": "report",
        "IndexProgress": "report",
        "IndexReport": "report",
        "WikiIndex": "index",
        "open_collection_index": "collection",
    },
)

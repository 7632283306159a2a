"""The index: passages in SQLite, vectors in Chroma, BM25 in tantivy, moved together."""

from __future__ import annotations

from wikirank.index.index import WikiIndex
from wikirank.index.report import IndexInfo, IndexProgress, IndexReport

__all__ = ["IndexInfo", "IndexProgress", "IndexReport", "WikiIndex"]

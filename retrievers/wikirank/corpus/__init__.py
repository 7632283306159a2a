"""Sources of articles, and readers of wiki formats. Each is imported at first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wikirank._lazy import lazy_names

if TYPE_CHECKING:
    from wikirank.corpus.source import (
        ChangingSource,
        DividedSource,
        Known,
        RawSource,
        Removed,
        Shard,
        Source,
        Unchanged,
    )
    from wikirank.corpus.sources.dump import DumpSource
    from wikirank.corpus.sources.folder import FolderSource
    from wikirank.corpus.sources.jsonl import JsonLinesSource
    from wikirank.corpus.sources.open import open_source
    from wikirank.corpus.sources.options import SourceOptions
    from wikirank.corpus.sources.parquet import ParquetSource
    from wikirank.corpus.sources.sample import SampleSource
    from wikirank.corpus.sources.zim import ZimSource

__all__ = [
    "ChangingSource",
    "DividedSource",
    "DumpSource",
    "FolderSource",
    "JsonLinesSource",
    "Known",
    "ParquetSource",
    "RawSource",
    "Removed",
    "SampleSource",
    "Shard",
    "Source",
    "SourceOptions",
    "Unchanged",
    "ZimSource",
    "open_source",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ChangingSource": "source",
        "DividedSource": "source",
        "DumpSource": "sources.dump",
        "FolderSource": "sources.folder",
        "JsonLinesSource": "sources.jsonl",
        "Known": "source",
        "ParquetSource": "sources.parquet",
        "Shard": "source",
        "RawSource": "source",
        "Removed": "source",
        "SampleSource": "sources.sample",
        "Source": "source",
        "SourceOptions": "sources.options",
        "Unchanged": "source",
        "ZimSource": "sources.zim",
        "open_source": "sources.open",
    },
)

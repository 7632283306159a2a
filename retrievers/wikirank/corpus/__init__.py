"""Sources of articles, and the wiki formats they are read from. Each is loaded at first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_MODULES = {
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

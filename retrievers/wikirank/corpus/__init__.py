"""From wiki sources to passages: sources, sections, splitters, ids."""

from __future__ import annotations

from wikirank.corpus.ids import passage_id, section_url
from wikirank.corpus.passages import article_digest, article_passages
from wikirank.corpus.sections import split_sections
from wikirank.corpus.sources import (
    ChangingSource,
    DividedSource,
    DumpSource,
    FolderSource,
    JsonLinesSource,
    Known,
    ParquetSource,
    Part,
    RawSource,
    Removed,
    SampleSource,
    Source,
    SourceOptions,
    Unchanged,
    ZimSource,
    open_source,
)
from wikirank.corpus.splitters import SentenceSplitter, Splitter, WindowSplitter, splitter_from

__all__ = [
    "ChangingSource",
    "DividedSource",
    "DumpSource",
    "FolderSource",
    "JsonLinesSource",
    "Known",
    "ParquetSource",
    "Part",
    "RawSource",
    "Removed",
    "SampleSource",
    "SentenceSplitter",
    "Source",
    "SourceOptions",
    "Splitter",
    "Unchanged",
    "WindowSplitter",
    "ZimSource",
    "article_digest",
    "article_passages",
    "open_source",
    "passage_id",
    "section_url",
    "split_sections",
    "splitter_from",
]

"""MediaWiki XML exports, streamed."""

from __future__ import annotations

from wikirank.corpus.sources.dump.source import DumpSource
from wikirank.corpus.sources.dump.streams import DUMP_SUFFIXES

__all__ = ["DUMP_SUFFIXES", "DumpSource"]

"""Retriever over a wiki without an index: its own search engine, our reranking and citations."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from typing_extensions import override

from langchain_wikirank._base_retriever import BaseWikiRetriever
from wikirank.rank import CrossEncoder
from wikirank.search.live import LiveSearcher
from wikirank.search.live_reader import LiveReader


class LiveWikiRetriever(BaseWikiRetriever):
    """Retrieve the passages of a live wiki or a ZIM file that answer a question, best first.

    The wiki's own search engine finds pages, which are split into passages. BM25 selects the
    candidates and the cross-encoder reranks them. Documents have the citation and scores of
    `WikiRetriever`, except the scores of the vector search. `filter` and `neighbours` need an index
    and raise an error. If something was left out, for example because the wiki was slow, the result
    of `search` says so in `notes`.

    Example:
        ```python
        retriever = WikiRetriever.from_mediawiki("https://en.wikipedia.org", k=3)
        retriever.invoke("Who wrote the first algorithm?")
        ```
    """

    wiki: Any
    """A `LiveMediaWiki`, a `LiveZim`, or another `wikirank.corpus.live.LiveWiki`."""

    pages: int = Field(default=10, ge=1, le=50)
    """Maximum number of pages to read per question."""

    seconds: float = Field(default=20.0, gt=0)
    """Time limit for reading the pages; after it, the pages read so far are searched."""

    @property
    @override
    def reader(self) -> LiveReader:
        return LiveReader(self.wiki, pages=self.pages, seconds=self.seconds)

    @override
    def _searcher(self, cross_encoder: CrossEncoder | None) -> LiveSearcher:
        return LiveSearcher(self.wiki, cross_encoder, pages=self.pages, seconds=self.seconds)

"""A retriever over a wiki that nobody indexed: its own search, our reranking and citations."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from typing_extensions import override

from langchain_wikirank._base_retriever import BaseWikiRetriever
from wikirank.rank import CrossEncoder
from wikirank.search.live import LiveSearcher
from wikirank.search.live_reader import LiveReader


class LiveWikiRetriever(BaseWikiRetriever):
    """Finds the passages of a live wiki or a ZIM file that answer a question, best first.

    The wiki's own search finds pages; they are cut into passages, BM25 picks the candidates, the
    cross-encoder reranks them. The documents have the citation and scores of `WikiRetriever`, but
    for those of vectors. `filter` and `neighbours` need an index and are refused. What was left
    out, as where the wiki was slow, is in `notes` of the result of `search`.

    Example:
        ```python
        retriever = WikiRetriever.from_mediawiki("https://en.wikipedia.org", k=3)
        retriever.invoke("Who wrote the first algorithm?")
        ```
    """

    wiki: Any
    """A `LiveMediaWiki`, a `LiveZim`, or another `wikirank.corpus.live.LiveWiki`."""

    pages: int = Field(default=10, ge=1, le=50)
    """How many pages to read for a question."""

    seconds: float = Field(default=20.0, gt=0)
    """How long the wiki may take to give them; what it has given by then is searched."""

    @property
    @override
    def reader(self) -> LiveReader:
        return LiveReader(self.wiki, pages=self.pages, seconds=self.seconds)

    @override
    def _over(self, cross_encoder: CrossEncoder | None) -> LiveSearcher:
        return LiveSearcher(self.wiki, cross_encoder, pages=self.pages, seconds=self.seconds)

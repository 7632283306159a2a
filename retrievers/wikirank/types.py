"""The values that pass between stages: articles, sections, passages, ranked passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SearchType = Literal["dense", "lexical", "hybrid"]
OnTruncation = Literal["window", "warn", "error"]

HEADING_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Article:
    """One wiki article as a source returns it.

    Attributes:
        title: The article's title.
        text: Plain text; sections begin with `== Heading ==` lines.
        url: Web address of the article; empty if unknown.
        revision: The source's revision id; empty if unknown.
        metadata: Other fields of the record, JSON-serialisable, kept with every passage.
        version: Changes whenever the article changes; empty if the source cannot tell.
    """

    title: str
    text: str
    url: str = ""
    revision: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One section of an article.

    Attributes:
        path: Headings, outermost first, without the article's title; empty for the lead.
        text: The section's own text, without its heading line and its subsections.
    """

    path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one section, small enough to embed, rerank and cite.

    Attributes:
        id: Deterministic; see `wikirank.passages.ids`.
        text: The passage exactly as in the article.
        source: Name of the passage's source.
        article: Key of the article within the source.
        number: Position among the article's passages, from 0.
        title: The article's title; empty if unknown.
        section: Headings, outermost first; empty for the lead.
        url: Web address of the article, with the section's anchor if there is one.
        revision: The source's revision id; empty if unknown.
        start: Start of `text` in the section's text, in characters.
        end: End of `text`; overlapping passages have `next.start < end`.
        metadata: Other fields of the article, unchanged.
    """

    id: str
    text: str
    source: str = ""
    article: str = ""
    number: int = 0
    title: str = ""
    section: tuple[str, ...] = ()
    url: str = ""
    revision: str = ""
    start: int = 0
    end: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """`title › section › subsection`, without empty parts."""
        return heading(self.title, self.section)

    @property
    def headed_text(self) -> str:
        """The heading on a line of its own, then the text, as the embedder reads it."""
        return headed_text(self.heading, self.text)


def heading(title: str, section: Sequence[str] = ()) -> str:
    """Join a title and a section path to `title › section › subsection`."""
    return HEADING_SEPARATOR.join(part for part in (title, *section) if part)


def headed_text(head: str, text: str) -> str:
    """Put a heading on a line of its own before a text; without a heading return the text."""
    return f"{head}\n{text}" if head else text


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A passage with its scores from each stage.

    Attributes:
        passage: The passage; with `neighbours` its text includes the adjacent passages.
        rank: Rank in the final order, from 1.
        rank_before: Rank before reranking, from 1.
        dense_score: Cosine similarity to the query in [-1, 1]; None without dense search.
        lexical_score: BM25 divided by the highest score that the query can reach in this index,
            in [0, 1]; None without lexical search.
        fusion_score: Reciprocal rank fusion score; None unless the search was hybrid.
        rerank_logit: The cross-encoder's raw score; None if not reranked.
        relevance_score: Probability that the passage answers the query, in [0, 1]: the calibrated
            logit, in hybrid search combined with the first-stage scores if the model has learned
            how; None if not reranked.
    """

    passage: Passage
    rank: int
    rank_before: int
    dense_score: float | None = None
    lexical_score: float | None = None
    fusion_score: float | None = None
    rerank_logit: float | None = None
    relevance_score: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the passage and its scores as plain values for JSON."""
        passage = self.passage
        return {
            "rank": self.rank,
            "id": passage.id,
            "title": passage.title,
            "section": HEADING_SEPARATOR.join(passage.section),
            "url": passage.url,
            "text": passage.text,
            "source": passage.source,
            "revision": passage.revision or None,
            "passage_number": passage.number,
            "relevance_score": self.relevance_score,
            "rerank_logit": self.rerank_logit,
            "rank_before": self.rank_before,
            "dense_score": self.dense_score,
            "lexical_score": self.lexical_score,
            "fusion_score": self.fusion_score,
            "metadata": dict(passage.metadata),
        }

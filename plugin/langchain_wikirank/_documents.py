"""Convert between LangChain documents and the engine's passages without losing metadata."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document

from wikirank.errors import InvalidArgumentError
from wikirank.passages.ids import passage_id
from wikirank.passages.records import passage_from_record
from wikirank.types import HEADING_SEPARATOR, Passage, RankedPassage, headed_text, heading

if TYPE_CHECKING:
    from wikirank.index.store import PassageStore

_logger = logging.getLogger("langchain_wikirank")

NO_PASSAGE = "The wiki has no passage that answers this query."


def document_heading(document: Document) -> str:
    """Return `title › section` from the metadata of a document; empty if it has neither."""
    title = document.metadata.get("title")
    return heading(title if isinstance(title, str) else "", _sections(document))


def document_section(document: Document) -> str:
    """Return the headings above a document within its page, such as `A › B`; may be empty."""
    return HEADING_SEPARATOR.join(filter(None, _sections(document)))


def _sections(document: Document) -> list[str]:
    section = document.metadata.get("section")
    parts = section if isinstance(section, (list, tuple)) else (section,)
    return [part if isinstance(part, str) else "" for part in parts]


def scored_text(document: Document, *, prepend_heading: bool) -> str:
    """Return the text that a cross-encoder reads, optionally with the heading in front."""
    head = document_heading(document) if prepend_heading else ""
    return headed_text(head, document.page_content)


SOURCE = "documents"
"""Source name of passages that were added as documents."""

_SCORES = ("dense_score", "lexical_score", "fusion_score", "rerank_logit", "relevance_score")
_PREFIX = "wikirank_"


def documents_from_texts(
    texts: Sequence[str],
    metadatas: Sequence[Mapping[str, Any]] | None,
    ids: Sequence[str] | None,
) -> list[Document]:
    """Make documents from texts, raising InvalidArgumentError if the lengths differ."""
    for name, values in (("metadatas", metadatas), ("ids", ids)):
        if values is not None and len(values) != len(texts):
            msg = (
                f"Expected as many {name} as texts ({len(texts)}), got {len(values)}. "
                "Pass one per text."
            )
            raise InvalidArgumentError(msg)
    return [
        Document(
            page_content=text,
            id=ids[position] if ids is not None else None,
            metadata=dict(metadatas[position]) if metadatas is not None else {},
        )
        for position, text in enumerate(texts)
    ]


def drop_blank(documents: Iterable[Document]) -> list[Document]:
    """Return the documents that have text, and log a warning if some do not."""
    all_documents = list(documents)
    blank = [
        index for index, document in enumerate(all_documents) if not document.page_content.strip()
    ]
    if blank:
        _logger.warning(
            "Skipped %d of %d documents without text; the first is at position %d.",
            len(blank),
            len(all_documents),
            blank[0],
        )
    return [document for document in all_documents if document.page_content.strip()]


def passages_from_documents(
    documents: Iterable[Document], store: PassageStore | None = None
) -> list[Passage]:
    """Turn each document into one passage.

    `title`, `section`, `url`, `revision` and `passage_number` of the metadata become fields of the
    passage if they have the right type. Everything else stays metadata. Documents with the same
    url, or without url the same title, are passages of one article, numbered in order.

    Args:
        documents: The documents. Those without an id get one derived from their content.
        store: Existing passages, which keep their numbers. New ones are numbered after them.

    Returns:
        One passage per document, in the same order.
    """
    passages: list[Passage] = []
    ordinals: Counter[tuple[str, tuple[str, ...], str]] = Counter()
    for document in documents:
        passage = passage_from_record(
            document.id or "", document.page_content, document.metadata, source=SOURCE, number=-1
        )
        # Counting only equal texts keeps an id stable when documents are added before it.
        key = (passage.article, passage.section, passage.text)
        if not passage.id:
            new_id = passage_id(SOURCE, *key[:2], ordinals[key], passage.text)
            passage = replace(passage, id=new_id, article=passage.article or new_id)
        ordinals[key] += 1
        passages.append(passage)
    return _numbered(passages, store)


def _numbered(passages: Sequence[Passage], store: PassageStore | None) -> list[Passage]:
    """Number passages within their article if their metadata has no number (-1)."""
    stored = store.get([passage.id for passage in passages]) if store else {}
    articles = list(dict.fromkeys(passage.article for passage in passages))
    last = store.last_numbers(SOURCE, articles) if store else {}
    numbered: list[Passage] = []
    for passage in passages:
        existing, number = stored.get(passage.id), passage.number
        if number < 0 and existing and existing.article == passage.article:
            numbered.append(replace(passage, number=existing.number))
            continue
        last[passage.article] = number if number >= 0 else last.get(passage.article, -1) + 1
        numbered.append(replace(passage, number=last[passage.article]))
    return numbered


def document_from_passage(passage: Passage) -> Document:
    """Turn a passage into a document with citation metadata.

    Args:
        passage: The passage.

    Returns:
        A document whose metadata has `passage_number`, those of `title`, `section` (`A › B`),
        `url`, `revision` and `source` that are known, and the passage's own metadata, which takes
        precedence.
    """
    citation = {
        "title": passage.title,
        "section": HEADING_SEPARATOR.join(passage.section),
        "url": passage.url,
        "revision": passage.revision,
        "source": passage.source,
    }
    metadata = {
        **{name: value for name, value in citation.items() if value},
        "passage_number": passage.number,
        **passage.metadata,
    }
    return Document(page_content=passage.text, id=passage.id, metadata=metadata)


def document_from_ranked(ranked: RankedPassage) -> Document:
    """Turn a ranked passage into a document with citation, scores and ranks.

    Args:
        ranked: A passage of a search result.

    Returns:
        The document of `document_from_passage` with the score of each stage, and `rank_before` and
        `rank`, which start at 1. If the passage's own metadata has such a key, it is kept, and
        ours gets the prefix `wikirank_`.
    """
    document = document_from_passage(ranked.passage)
    fields = {name: getattr(ranked, name) for name in _SCORES}
    scores = {name: float(score) for name, score in fields.items() if score is not None}
    for name, value in {
        **scores,
        "rank_before": ranked.rank_before,
        "rank": ranked.rank,
    }.items():
        taken = name in document.metadata
        document.metadata[f"{_PREFIX}{name}" if taken else name] = value
    return document


def relevance_score_of(document: Document) -> float | None:
    """Return the relevance score from a search or a reranker, or None."""
    metadata = document.metadata
    score = metadata.get(f"{_PREFIX}relevance_score", metadata.get("relevance_score"))
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        return None
    return float(score)

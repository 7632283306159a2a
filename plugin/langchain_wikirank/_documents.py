"""Between LangChain documents and the engine's passages; nothing of the caller's is lost.

A document reads under its heading to a cross-encoder, and as a numbered list to a chat model.
"""

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
    """`title › section` from a document's metadata, empty where it has neither."""
    title = document.metadata.get("title")
    return heading(title if isinstance(title, str) else "", _sections(document))


def section_of(document: Document) -> str:
    """The headings above a document within its page, `A › B`; empty where it has none."""
    return HEADING_SEPARATOR.join(filter(None, _sections(document)))


def _sections(document: Document) -> list[str]:
    section = document.metadata.get("section")
    parts = section if isinstance(section, (list, tuple)) else (section,)
    return [part if isinstance(part, str) else "" for part in parts]


def scored_text(document: Document, *, prepend_heading: bool) -> str:
    """What a cross-encoder reads of a document: its text, under its heading if that is wanted."""
    head = document_heading(document) if prepend_heading else ""
    return headed_text(head, document.page_content)


SOURCE = "documents"
"""Name of the source that documents given as such are indexed under."""

_SCORES = ("dense_score", "lexical_score", "fusion_score", "rerank_logit", "relevance_score")
_PREFIX = "wikirank_"


def documents_of_texts(
    texts: Sequence[str],
    metadatas: Sequence[Mapping[str, Any]] | None,
    ids: Sequence[str] | None,
) -> list[Document]:
    """Make documents of texts, each with its metadata and id where these are given.

    Args:
        texts: The texts.
        metadatas: As many as texts, or None.
        ids: As many as texts, or None.

    Returns:
        The documents, in the same order.

    Raises:
        InvalidArgumentError: If the numbers differ.
    """
    for name, values in (("metadatas", metadatas), ("ids", ids)):
        if values is not None and len(values) != len(texts):
            msg = f"Expected as many {name} as texts ({len(texts)}), got {len(values)}."
            raise InvalidArgumentError(msg)
    return [
        Document(
            page_content=text,
            id=ids[position] if ids is not None else None,
            metadata=dict(metadatas[position]) if metadatas is not None else {},
        )
        for position, text in enumerate(texts)
    ]


def with_text(documents: Iterable[Document]) -> list[Document]:
    """The documents that hold text; how many do not is logged, with the place of the first."""
    all_documents = list(documents)
    blank = [
        index for index, document in enumerate(all_documents) if not document.page_content.strip()
    ]
    if blank:
        _logger.warning(
            "Skipped %d of %d documents, which hold no text; the first is at position %d.",
            len(blank),
            len(all_documents),
            blank[0],
        )
    return [document for document in all_documents if document.page_content.strip()]


def passages_from(
    documents: Iterable[Document], store: PassageStore | None = None
) -> list[Passage]:
    """Turn documents into passages, each as it is.

    `title`, `section`, `url`, `revision` and `passage_number` of the metadata become the
    passage's own fields where they are of the right type; all else stays metadata. Documents of
    one url, or else one title, are passages of one article, numbered in the order given.

    Args:
        documents: The documents; those without an id get one made from their content.
        store: Passages that are there already: theirs keep their numbers, new ones follow.

    Returns:
        One passage a document, in the order given.
    """
    passages: list[Passage] = []
    ordinals: Counter[tuple[str, tuple[str, ...], str]] = Counter()
    for document in documents:
        passage = passage_from_record(
            document.id or "", document.page_content, document.metadata, source=SOURCE, number=-1
        )
        # Counted by text, an id stays when documents are added before it.
        place = (passage.article, passage.section, passage.text)
        if not passage.id:
            made = passage_id(SOURCE, *place[:2], ordinals[place], passage.text)
            passage = replace(passage, id=made, article=passage.article or made)
        ordinals[place] += 1
        passages.append(passage)
    return _numbered(passages, store)


def _numbered(passages: Sequence[Passage], store: PassageStore | None) -> list[Passage]:
    """Passages with a number within their article, where their metadata had none (-1)."""
    stored = store.get([passage.id for passage in passages]) if store else {}
    articles = list(dict.fromkeys(passage.article for passage in passages))
    last = store.last_numbers(SOURCE, articles) if store else {}
    numbered: list[Passage] = []
    for passage in passages:
        known, number = stored.get(passage.id), passage.number
        if number < 0 and known and known.article == passage.article:
            numbered.append(replace(passage, number=known.number))
            continue
        last[passage.article] = number if number >= 0 else last.get(passage.article, -1) + 1
        numbered.append(replace(passage, number=last[passage.article]))
    return numbered


def document_of(passage: Passage) -> Document:
    """Turn a passage into a document with its citation.

    Args:
        passage: The passage.

    Returns:
        A document whose metadata holds what is known of `title`, `section` (`A › B`), `url`,
        `revision`, `source` and `passage_number`, and what the caller put in, which counts more.
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


def document_from(ranked: RankedPassage) -> Document:
    """Turn a ranked passage into a document with its citation and the score of each stage.

    Args:
        ranked: The passage as the search returned it.

    Returns:
        The document of `document_of`, with the scores, and `rank_before` and `rank`, from 1. Where
        its own metadata has such a name, that is kept, and ours is under `wikirank_` and the name.
    """
    document = document_of(ranked.passage)
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


def relevance_of(document: Document) -> float | None:
    """The relevance score that a search or a reranker gave a document; None if there is none."""
    metadata = document.metadata
    score = metadata.get(f"{_PREFIX}relevance_score", metadata.get("relevance_score"))
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        return None
    return float(score)

"""How a document reads: to a cross-encoder under its heading, to a chat model in a list."""

from __future__ import annotations

from langchain_core.documents import Document

from wikirank.types import HEADING_SEPARATOR, headed_text, heading

NO_PASSAGE = "The wiki has no passage that answers this query."


def document_heading(document: Document) -> str:
    """`title › section` from a document's metadata, empty where it has neither.

    Args:
        document: The document; its `section` may be a string or a list of headings.

    Returns:
        The heading.
    """
    title = document.metadata.get("title")
    return heading(title if isinstance(title, str) else "", _sections(document))


def section_of(document: Document) -> str:
    """The headings above a document within its page, `A › B`; empty where it has none."""
    return HEADING_SEPARATOR.join(filter(None, _sections(document)))


def _sections(document: Document) -> list[str]:
    section = document.metadata.get("section")
    parts = section if isinstance(section, (list, tuple)) else (section,)
    return [part if isinstance(part, str) else "" for part in parts]


def scored_text(document: Document, *, headings: bool) -> str:
    """What a cross-encoder reads of a document: its text, under its heading if that is wanted."""
    head = document_heading(document) if headings else ""
    return headed_text(head, document.page_content)

"""How a document reads: to a cross-encoder under its heading, to a chat model in a list."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.documents import Document

from wikirank.types import headed_text, heading

NO_PASSAGE = "The wiki has no passage that answers this query."


def document_heading(document: Document) -> str:
    """`title › section` from a document's metadata, empty where it has neither.

    Args:
        document: The document; its `section` may be a string or a list of headings.

    Returns:
        The heading.
    """
    title, section = document.metadata.get("title"), document.metadata.get("section")
    parts = section if isinstance(section, (list, tuple)) else (section,)
    title, *parts = (part if isinstance(part, str) else "" for part in (title, *parts))
    return heading(title, parts)


def scored_text(document: Document, *, headings: bool) -> str:
    """What a cross-encoder reads of a document: its text, under its heading if that is wanted."""
    head = document_heading(document) if headings else ""
    return headed_text(head, document.page_content)


def numbered_passages(documents: Sequence[Document]) -> str:
    """List documents as `[1] title › section`, the text, and the url, an empty line between.

    Args:
        documents: The documents, best first.

    Returns:
        The list, or one sentence saying that there is no passage.
    """
    if not documents:
        return NO_PASSAGE
    return "\n\n".join(_entry(number, document) for number, document in enumerate(documents, 1))


def _entry(number: int, document: Document) -> str:
    first = f"[{number}] {document_heading(document)}".rstrip()
    lines = (first, document.page_content, document.metadata.get("url"))
    return "\n".join(str(line) for line in lines if line)

"""Write passages out: number, heading, address, and text between delimiters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import unquote

from langchain_core.documents import Document

from langchain_wikirank._documents import document_heading, document_section
from langchain_wikirank._evidence.quoting import (
    CLOSING,
    OPENING,
    quoted_line,
    quoted_text,
    quoted_url,
)
from wikirank.types import HEADING_SEPARATOR

NO_ADDRESS = "no address"
"""Written if a passage without an address would seem to have that of another."""

_TITLE = "{title}"
_NOT_IN_PATHS = re.compile("[?#%]")

_SHOWN = re.compile(rf"^\[(\d+)\](?: [^\n]+)?\n(?:(?:\S+|{NO_ADDRESS})\n)?{OPENING}", re.MULTILINE)


def shown_numbers(text: str) -> set[int]:
    """Return the citation numbers of the passages in a text made by `entry_texts`."""
    return {int(number) for number in _SHOWN.findall(text)}


def entry_texts(documents: Sequence[Document], numbers: Sequence[int]) -> tuple[str, list[str]]:
    """Write passages out in as few tokens as possible.

    Args:
        documents: The documents, in the order shown.
        numbers: Citation number of each document.

    Returns:
        The address pattern that most pages share, such as `w.org/{title}`, empty if no two pages
        share one; and one text per document. It has the number and heading, the address of the page
        at its first passage unless it follows the pattern, and the quoted text in delimiters.
    """
    headings = [quoted_line(document_heading(document)) for document in documents]
    # The part that a reader takes for the title of the page, whatever the metadata says.
    pages = [heading.partition(HEADING_SEPARATOR)[0] for heading in headings]
    addresses = [_address(document) for document in documents]
    pattern = _shared_pattern(pages, addresses)
    lines = _address_lines(pages, addresses, pattern)
    return pattern, list(map(_entry, documents, numbers, headings, lines))


def _entry(document: Document, number: int, heading: str, address: str) -> str:
    """Write one passage: number and heading, address, quoted text."""
    head = f"[{number}] {heading}".rstrip()
    parts = [head, address, f"{OPENING}{quoted_text(document.page_content)}{CLOSING}"]
    return "\n".join(filter(None, parts))


def _address_lines(pages: Sequence[str], addresses: Sequence[str], pattern: str) -> list[str]:
    """Return the address line of each passage, empty if a reader can infer the address."""
    lines = []
    address_of_page: dict[str, str] = {}
    for page, address in zip(pages, addresses, strict=True):
        if page in address_of_page:
            inferred = address_of_page[page]
        else:
            inferred = _inferred_address(page, address, pattern)
        is_inferred = bool(page) and address == inferred
        lines.append("" if is_inferred else address or (NO_ADDRESS if inferred else ""))
        address_of_page[page] = address
    return lines


def _inferred_address(page: str, address: str, pattern: str) -> str:
    """Return the address if it follows the pattern, otherwise the pattern itself."""
    if not page:
        return ""
    return address if pattern and _pattern(page, address) == pattern else pattern


def _shared_pattern(pages: Sequence[str], addresses: Sequence[str]) -> str:
    """Return the most common pattern; empty if no two pages share one."""
    distinct = dict.fromkeys(zip(pages, addresses, strict=True))
    patterns = Counter(filter(None, (_pattern(page, address) for page, address in distinct)))
    pattern, count = next(iter(patterns.most_common(1)), ("", 0))
    return pattern if count > 1 else ""


def _pattern(page: str, address: str) -> str:
    """Return the address with `{title}` instead of the title at its end; empty if it has none."""
    name, plain = page.replace(" ", "_"), unquote(address)
    start = plain.removesuffix(name)
    is_plain = start.endswith("/") and address.startswith(start) and not _NOT_IN_PATHS.search(name)
    return f"{start}{_TITLE}" if name and start != plain and is_plain else ""


def _address(document: Document) -> str:
    """Return the url without `https://`, and without an anchor that repeats the section."""
    url = quoted_url(str(document.metadata.get("url") or "")).removeprefix("https://")
    base, _, anchor = url.partition("#")
    heading = document_section(document).rpartition(HEADING_SEPARATOR)[2]
    is_repeated = heading and _plain(unquote(anchor)) == _plain(heading)
    return base if is_repeated else url


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split())

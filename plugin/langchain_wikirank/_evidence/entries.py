"""How one passage of evidence is written: number, heading, address, text between delimiters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import unquote

from langchain_core.documents import Document

from langchain_wikirank._documents import document_heading, section_of
from langchain_wikirank._evidence.quoting import (
    CLOSING,
    OPENING,
    quoted_line,
    quoted_text,
    quoted_url,
)
from wikirank.types import HEADING_SEPARATOR

NO_ADDRESS = "no address"
"""Stands for the address of a passage that would else seem to have that of another."""

_TITLE = "{title}"
_NOT_IN_PATHS = re.compile("[?#%]")

_SHOWN = re.compile(rf"^\[(\d+)\](?: [^\n]+)?\n(?:(?:\S+|{NO_ADDRESS})\n)?{OPENING}", re.MULTILINE)


def shown_numbers(text: str) -> set[int]:
    """The citation numbers of the passages that a text of ours shows."""
    return {int(number) for number in _SHOWN.findall(text)}


def entry_texts(documents: Sequence[Document], numbers: Sequence[int]) -> tuple[str, list[str]]:
    """Write out what is shown, each passage in as few tokens as keep it apart from the rest.

    Args:
        documents: The documents, in the order in which they are shown.
        numbers: The citation number of each.

    Returns:
        The address that most pages have but for their titles, as `w.org/{title}`, empty where no
        two share one; and a text for each document: number and heading, its page's address at the
        first of its passages unless it is by the pattern, and the quoted text between delimiters.
    """
    headings = [quoted_line(document_heading(document)) for document in documents]
    # What a reader takes for the page's title, whatever the metadata says.
    pages = [heading.partition(HEADING_SEPARATOR)[0] for heading in headings]
    addresses = [_address(document) for document in documents]
    pattern = _shared_pattern(pages, addresses)
    lines = _address_lines(pages, addresses, pattern)
    return pattern, list(map(_entry, documents, numbers, headings, lines))


def _entry(document: Document, number: int, heading: str, address: str) -> str:
    """One passage: number and heading, the line of its address, its text within the delimiters."""
    head = f"[{number}] {heading}".rstrip()
    parts = [head, address, f"{OPENING}{quoted_text(document.page_content)}{CLOSING}"]
    return "\n".join(filter(None, parts))


def _address_lines(pages: Sequence[str], addresses: Sequence[str], pattern: str) -> list[str]:
    """The line of each address: empty where a reader knows it from what stands above."""
    lines = []
    of_page: dict[str, str] = {}
    for page, address in zip(pages, addresses, strict=True):
        inferred = of_page[page] if page in of_page else _by_pattern(page, address, pattern)
        is_known = bool(page) and address == inferred
        lines.append("" if is_known else address or (NO_ADDRESS if inferred else ""))
        of_page[page] = address
    return lines


def _by_pattern(page: str, address: str, pattern: str) -> str:
    """What a reader takes for a page's address by the pattern: the address, if it is by it."""
    if not page:
        return ""
    return address if pattern and _pattern(page, address) == pattern else pattern


def _shared_pattern(pages: Sequence[str], addresses: Sequence[str]) -> str:
    """The pattern of most pages; empty where no two share one."""
    distinct = dict.fromkeys(zip(pages, addresses, strict=True))
    patterns = Counter(filter(None, (_pattern(page, address) for page, address in distinct)))
    pattern, count = next(iter(patterns.most_common(1)), ("", 0))
    return pattern if count > 1 else ""


def _pattern(page: str, address: str) -> str:
    """The address with `{title}` for its page's title at the end; empty where it has none."""
    name, plain = page.replace(" ", "_"), unquote(address)
    start = plain.removesuffix(name)
    is_plain = start.endswith("/") and address.startswith(start) and not _NOT_IN_PATHS.search(name)
    return f"{start}{_TITLE}" if name and start != plain and is_plain else ""


def _address(document: Document) -> str:
    """The url, without `https://` and an anchor that is only the section's heading once more."""
    url = quoted_url(str(document.metadata.get("url") or "")).removeprefix("https://")
    base, _, anchor = url.partition("#")
    heading = section_of(document).rpartition(HEADING_SEPARATOR)[2]
    is_repeated = heading and _plain(unquote(anchor)) == _plain(heading)
    return base if is_repeated else url


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split())

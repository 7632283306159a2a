"""Parse evidence by its structure alone, for the tests of all that shows evidence."""

from __future__ import annotations

import re

from langchain_wikirank._evidence.budget import HEADER

_ENTRY = re.compile(
    r"^\[(?P<number>\d+)\](?: (?P<heading>[^\n]+))?\n(?:(?P<url>\S+|no address)\n)?"
    r"«(?P<text>[^«»]*)»$",
    re.MULTILINE | re.DOTALL,
)

_PATTERN = re.compile(re.escape(HEADER) + r"\nPages: (?P<start>[^\n]+)\{title\}$", re.MULTILINE)


def entries(text: str) -> dict[int, str]:
    """Return the quoted text by citation number; fail if quoted text changed the structure."""
    found = {int(entry["number"]): entry["text"] for entry in _ENTRY.finditer(text)}
    quoted = text.replace(HEADER, "")
    assert quoted.count("«") == quoted.count("»") == len(found)
    assert [int(n) for n in re.findall(r"\[(\d+)\]", text)] == list(found)
    return found


def addresses(text: str) -> dict[int, str]:
    """Return the address for each number: its own, its page's, or that of the pattern."""
    found: dict[int, str] = {}
    of_page: dict[str, str] = {}
    told = _PATTERN.search(text)
    for entry in _ENTRY.finditer(text):
        page = (entry["heading"] or "").partition(" › ")[0]
        by_pattern = told["start"] + page.replace(" ", "_") if told and page else ""
        url = entry["url"] or (of_page.get(page, by_pattern) if page else "")
        of_page[page] = found[int(entry["number"])] = "" if url == "no address" else url
    return found


def outside(text: str) -> str:
    """Return the lines between the entries."""
    return _ENTRY.sub("", text)

"""Reading evidence back by its structure alone, as the tests of each piece that shows it need."""

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
    """The quoted text by citation number; fails where the structure is not ours alone."""
    found = {int(entry["number"]): entry["text"] for entry in _ENTRY.finditer(text)}
    quoted = text.replace(HEADER, "")
    assert quoted.count("«") == quoted.count("»") == len(found)
    assert [int(n) for n in re.findall(r"\[(\d+)\]", text)] == list(found)
    return found


def addresses(text: str) -> dict[int, str]:
    """The address that a reader finds for each number: its own, its page's above, the pattern's."""
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
    """What stands between the entries: our own lines."""
    return _ENTRY.sub("", text)

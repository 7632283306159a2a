"""Converters from the wikitext of a dump to text: ours, and what people use today."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from contestants.source_loaders import LOADERS, extracted

Answer = Callable[[dict[str, Any]], dict[str, Any]]
Texts = Iterator[tuple[str, str]]

CLEANERS = {
    "wikirank": "`wikirank`",
    "mwdump": "`MWDumpLoader` (mwparserfromhell's `strip_code`)",
    "wikiextractor": "`wikiextractor`",
}
"""Names of the converters in the table."""


def load(name: str) -> Answer:
    """Import what is needed to clean a dump, and return the converter.

    Args:
        name: A key of `CLEANERS`.

    Returns:
        A function that reads a `dump`, writes the texts of its articles to the file `into` as a
        JSON object by title, and returns the number of `articles`.
    """
    warnings.simplefilter("ignore")
    clean = {"wikirank": _wikirank, "mwdump": _mwdump, "wikiextractor": _wikiextractor}[name]()

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        texts = dict(clean(request["dump"]))
        Path(request["into"]).write_text(json.dumps(texts), "utf-8")
        return {"articles": len(texts)}

    return answer


def _wikirank() -> Callable[[str], Texts]:
    from wikirank.corpus import open_source

    return lambda path: ((article.title, article.text) for article in open_source(path))


def _mwdump() -> Callable[[str], Texts]:
    documents, _ = LOADERS["mwdump"]()
    return lambda path: ((d.metadata["source"], d.page_content) for d in documents(path))


def _wikiextractor() -> Callable[[str], Texts]:
    LOADERS["wikiextractor"]()  # Raises if it is not installed.
    return lambda path: ((r["title"], r["text"]) for r in extracted(Path(path)))

"""The text of pages, as their wiki renders them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wikirank.corpus.mediawiki.client import ApiClient
from wikirank.corpus.mediawiki.html_text import rendered_text
from wikirank.corpus.mediawiki.pages import Page
from wikirank.errors import CorpusError
from wikirank.types import Article


def read_page(client: ApiClient, page: Page, *, version: str) -> Article:
    """Read a page as its readers see it: the wiki itself expands templates and modules.

    Args:
        client: The wiki's client.
        page: The page.
        version: What to note as the article's version.

    Returns:
        The article, with `aliases` (titles that redirect to it), `categories` (but hidden ones)
        and, where it is one, `disambiguation` in its metadata.

    Raises:
        ApiError: If there is no such page any more, or the wiki cannot render it.
        CorpusError: If its text is longer than what the API gives.
    """
    answer = client.call(
        action="parse",
        pageid=str(page.id),
        prop="text|categories|properties|revid",
        disableeditsection="1",
        disablelimitreport="1",
        disabletoc="1",
    )
    parsed = answer["parse"]
    if "text" not in parsed:
        msg = (
            f"The text of {page.url} is longer than what the wiki's API gives ($wgAPIMaxResultSize)"
        )
        raise CorpusError(msg)
    return Article(
        title=page.title,
        text=rendered_text(parsed["text"]),
        url=page.url,
        revision=str(parsed.get("revid") or page.revision),
        metadata=_metadata(page, parsed),
        version=version,
    )


def _metadata(page: Page, parsed: Mapping[str, Any]) -> dict[str, Any]:
    categories = [
        entry["category"].replace("_", " ")
        for entry in parsed.get("categories", ())
        if not entry.get("hidden")
    ]
    metadata: dict[str, Any] = {}
    if page.aliases:
        metadata["aliases"] = list(page.aliases)
    if categories:
        metadata["categories"] = categories
    if "disambiguation" in parsed.get("properties", {}):
        metadata["disambiguation"] = True
    return metadata

"""Convert the HTML of a wiki page to the plain text of an article."""

from __future__ import annotations

from wikirank.corpus.html.text import html_text

__all__ = ["html_text"]

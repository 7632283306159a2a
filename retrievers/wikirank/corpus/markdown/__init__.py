"""Convert Markdown files of wikis and note-taking programs to the text of articles."""

from __future__ import annotations

from wikirank.corpus.markdown.page import MarkdownPage, MarkdownReader

__all__ = ["MarkdownPage", "MarkdownReader"]

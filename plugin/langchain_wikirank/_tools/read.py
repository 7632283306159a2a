"""`wiki_read`: read a page or one of its sections, slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from langchain_core.documents import Document
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from pydantic import Field

from langchain_wikirank._documents import document_from_passage
from langchain_wikirank._evidence.budget import EvidenceFormat
from langchain_wikirank._evidence.quoting import quoted_line
from langchain_wikirank._tools.arguments import (
    Position,
    TextOrNone,
    Title,
    ToolInput,
    optional_field,
)
from langchain_wikirank._tools.base import make_tool
from langchain_wikirank._tools.library import ToolAnswer, ToolContext, answer
from wikirank.search.pages import (
    Page,
    is_within,
    named_section,
    section_names,
    short_passages,
)
from wikirank.types import Passage

DESCRIPTION = (
    "Read a page of the wiki, or a section of it, slice by slice, when wiki_search shows the right "
    "page but too little of it."
)


class WikiReadInput(ToolInput):
    """Arguments of `wiki_read`."""

    title: Title = Field(description="Title or address.")
    section: TextOrNone = optional_field("This section only.")
    position: Position = optional_field("Where to go on, as wiki_read said.")


def read_tool(context: ToolContext) -> BaseTool:
    """Make the tool `wiki_read`."""
    return make_tool("wiki_read", DESCRIPTION, WikiReadInput, partial(_read, context))


def _read(context: ToolContext, arguments: WikiReadInput, config: RunnableConfig) -> ToolAnswer:
    page, *others = context.pages(arguments.title)
    whole = short_passages(context.reader.passages(page))
    section, passages = _section(context, page, whole, arguments)
    position = arguments.position or 0
    documents = [document_from_passage(p) for p in passages if p.number >= position]
    if not documents:
        end = max(passage.number for passage in passages)
        msg = (
            f'"{quoted_line(page.title)}" ends at position {end}: there is nothing at '
            f"{position}. You have read it to the end; begin again at 0 if you need it."
        )
        raise ToolException(msg)
    layout = EvidenceFormat(
        preface=_preface(context, page, others, whole, arguments),
        keep_order=True,
        advice=lambda left_out: _go_on(page, section, left_out),
    )
    return answer(context.lay_out(documents, layout, config))


def _section(
    context: ToolContext, page: Page, whole: list[Passage], arguments: WikiReadInput
) -> tuple[str, list[Passage]]:
    """Return the section named in the arguments or the anchor of the address, and its passages."""
    named = arguments.section or named_section(arguments.title)
    passages = [p for p in whole if is_within(p.section, named)] if named else whole
    if passages:
        return named, passages
    if not arguments.section:  # The anchor is not a section: read the whole page.
        return "", whole
    names = context.listed(section_names(whole))
    advice = f"Its sections: {names}." if names else "It has none: read it without section."
    msg = f'"{quoted_line(page.title)}" has no section "{quoted_line(named)}". {advice}'
    raise ToolException(msg)


def _preface(
    context: ToolContext,
    page: Page,
    others: Sequence[Page],
    whole: list[Passage],
    arguments: WikiReadInput,
) -> str:
    """Return the first line: the page, and its sections if read from the start."""
    lines = [f'The page "{quoted_line(page.title)}".']
    if not arguments.position and not arguments.section:
        sections = context.listed(section_names(whole), share=0.15)
        lines.append(f"Sections: {sections}." if sections else "")
    if others:
        sources = ", ".join(quoted_line(other.source) for other in others)
        lines.append(f"Other pages of this title are in {sources}: give the address to read one.")
    return " ".join(filter(None, lines))


def _go_on(page: Page, section: str, left_out: Sequence[Document]) -> str:
    within = f' section "{quoted_line(section)}"' if section else ""
    position = left_out[0].metadata["passage_number"]
    return f'go on with wiki_read "{quoted_line(page.title)}"{within} position {position}'

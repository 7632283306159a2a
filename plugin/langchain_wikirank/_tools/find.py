"""`wiki_find`: find a phrase or a regular expression, word for word."""

from __future__ import annotations

from functools import partial

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from pydantic import Field

from langchain_wikirank._documents import document_from_passage
from langchain_wikirank._evidence.budget import EvidenceFormat
from langchain_wikirank._evidence.merge import GAP
from langchain_wikirank._evidence.quoting import quoted_line
from langchain_wikirank._tools.arguments import (
    Pattern,
    TextOrNone,
    ToolInput,
    YesOrNo,
    optional_field,
)
from langchain_wikirank._tools.base import make_tool
from langchain_wikirank._tools.library import ToolAnswer, ToolContext, abstention, answer
from wikirank._util import counted
from wikirank.search.phrases import Hits

DESCRIPTION = (
    "Find an exact phrase (name, number, quotation) or regular expression in the wiki. Returns "
    "the sentences around each hit. For questions use wiki_search."
)


class WikiFindInput(ToolInput):
    """Arguments of `wiki_find`."""

    pattern: Pattern = Field(description="Phrase in any case, or expression.")
    title: TextOrNone = optional_field("This page only.")
    regex: YesOrNo = optional_field("Whether pattern is a Python regex.")


def find_tool(context: ToolContext) -> BaseTool:
    """Make the tool `wiki_find`."""
    return make_tool("wiki_find", DESCRIPTION, WikiFindInput, partial(_find, context))


def _find(context: ToolContext, arguments: WikiFindInput, config: RunnableConfig) -> ToolAnswer:
    pages = context.pages(arguments.title) if arguments.title else [None]
    all_hits = [
        context.reader.find_text(arguments.pattern, is_regex=bool(arguments.regex), page=page)
        for page in pages
    ]
    documents = []
    for hit in (hit for hits in all_hits for hit in hits.hits):
        document = document_from_passage(hit.passage)
        document.page_content = GAP.join(hit.sentences)
        documents.append(document)
    if not documents:
        return abstention(_not_found(arguments, all_hits))
    layout = EvidenceFormat(
        preface=_preface(arguments, len(documents), all_hits),
        merge=False,
        advice=lambda _: "give a title or a longer pattern",
    )
    return answer(context.lay_out(documents, layout, config))


def _preface(arguments: WikiFindInput, count: int, all_hits: list[Hits]) -> str:
    if not all(hits.complete for hits in all_hits):
        return f"{_subject(arguments)} stands in more passages than can be shown. The first:"
    return f"{_subject(arguments)} stands in {counted(count, 'passage')}. The sentences with it:"


def _not_found(arguments: WikiFindInput, all_hits: list[Hits]) -> str:
    where = f' on "{quoted_line(arguments.title)}"' if arguments.title else ""
    if any(hits.timed_out for hits in all_hits):
        return (
            f"{_subject(arguments)} was not found{where} in the time there is; not all was looked "
            "through. Give a title, or look for a phrase."
        )
    if arguments.regex:
        advice = "Case counts unless it begins with (?i). Try a simpler one, or a phrase."
    else:
        advice = "Try fewer words or another spelling, or ask wiki_search."
    return f"{_subject(arguments)} stands nowhere{where or ' in the wiki'}. {advice}"


def _subject(arguments: WikiFindInput) -> str:
    # A regular expression is not repeated, because "[1]" in it would look like a citation.
    return (
        "What the expression matches" if arguments.regex else f'"{quoted_line(arguments.pattern)}"'
    )

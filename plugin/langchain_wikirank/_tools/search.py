"""`wiki_search`: the passages that answer a question, or a message that none does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from pydantic import Field

from langchain_wikirank._async import read_in_worker
from langchain_wikirank._evidence.budget import EvidenceFormat
from langchain_wikirank._evidence.default_k import with_default_k
from langchain_wikirank._evidence.quoting import quoted_line
from langchain_wikirank._evidence.selection import Thresholds
from langchain_wikirank._evidence.write import ask_or_read
from langchain_wikirank._tools.arguments import (
    Filter,
    Number,
    Score,
    Text,
    TextOrNone,
    ToolInput,
    optional_field,
)
from langchain_wikirank._tools.base import make_tool
from langchain_wikirank._tools.library import (
    ToolAnswer,
    ToolContext,
    abstention,
    answer,
    child_config,
)
from langchain_wikirank._tracing import recorded_searches
from wikirank.index.filters import FIELD_KEYS
from wikirank.passages.duplicates import without_duplicates
from wikirank.search import SearchResult
from wikirank.search.options import LONGEST_QUERY, bounded_query
from wikirank.types import HEADING_SEPARATOR

DESCRIPTION = (
    "Search the wiki for passages that answer a question: quoted data to cite by [number]. Says "
    "so if it has no answer."
)


QUERY_CUT = f"Only the first {LONGEST_QUERY:,} characters of the question were searched for."
_PLAIN_KEY = re.compile(r"[\w.-]{1,30}")
_MAX_KEYS = 12


class LiveSearchInput(ToolInput):
    """Arguments of `wiki_search` over a wiki without an index."""

    query: Text = Field(description="One full question.")
    k: Number = optional_field("Most passages.")
    min_score: Score = optional_field("Least relevance, 0 to 1.")


class WikiSearchInput(ToolInput):
    """Arguments of `wiki_search`."""

    query: Text = Field(description="One full question.")
    k: Number = optional_field("Most passages.")
    title: TextOrNone = optional_field("This page only.")
    section: TextOrNone = optional_field("This section only.")
    filter: Filter = optional_field('Metadata, as JSON: {"year": {"$gte": 1900}}.')
    min_score: Score = optional_field("Least relevance, 0 to 1.")


AnySearchInput = LiveSearchInput | WikiSearchInput


def search_tool(context: ToolContext) -> BaseTool:
    """Make the tool `wiki_search`."""

    def run(arguments: AnySearchInput, config: RunnableConfig) -> ToolAnswer:
        overrides = _overrides(context, arguments)
        with recorded_searches() as searches:
            query = bounded_query(arguments.query)
            documents = context.retriever.invoke(query, child_config(config), **overrides)
        return _answer(context, arguments, config, documents, searches)

    async def arun(arguments: AnySearchInput, config: RunnableConfig) -> ToolAnswer:
        overrides = await read_in_worker(_overrides, context, arguments)
        with recorded_searches() as searches:
            query = bounded_query(arguments.query)
            documents = await context.retriever.ainvoke(query, child_config(config), **overrides)
        return await read_in_worker(_answer, context, arguments, config, documents, searches)

    if context.reader.has_filters:
        return make_tool(
            "wiki_search", DESCRIPTION + _filter_keys_line(context), WikiSearchInput, run, arun
        )
    return make_tool("wiki_search", DESCRIPTION, LiveSearchInput, run, arun)


def _filter_keys_line(context: ToolContext) -> str:
    """List the filter keys; only plain ones, because a key could hold instructions."""
    keys = context.reader.filter_keys
    plain = [key for key in sorted(keys - FIELD_KEYS) if _PLAIN_KEY.fullmatch(key)]
    return f" Filter keys: {', '.join([*plain[:_MAX_KEYS], *sorted(FIELD_KEYS)])}."


def _overrides(context: ToolContext, arguments: AnySearchInput) -> dict[str, Any]:
    settings = {"k": arguments.k} if arguments.k else {}
    overrides = with_default_k(context.retriever, context.token_budget, settings)
    if isinstance(arguments, LiveSearchInput):
        return overrides
    conditions = [
        context.retriever.filter,
        arguments.filter,
        *_location_filters(context, arguments),
    ]
    filters = [condition for condition in conditions if condition]
    if filters:
        overrides["filter"] = filters[0] if len(filters) == 1 else {"$and": filters}
    return overrides


def _location_filters(context: ToolContext, arguments: WikiSearchInput) -> list[dict[str, Any]]:
    """Return filters for the page and section of the arguments, as the index spells them."""
    conditions: list[dict[str, Any]] = []
    if arguments.title:
        pages = context.pages(arguments.title)
        titles = sorted({page.title for page in pages})
        conditions.append({"title": {"$in": titles}})
        passages = [passage for page in pages for passage in context.reader.passages(page)]
        page_sections = dict.fromkeys(
            HEADING_SEPARATOR.join(passage.section) for passage in passages
        )
    if arguments.section:
        sections = context.reader.sections_like(arguments.section)
        if arguments.title:
            sections = [section for section in sections if section in page_sections]
        if not sections:
            where = f' on "{quoted_line(arguments.title)}"' if arguments.title else ""
            names = context.listed(list(page_sections)) if arguments.title else ""
            advice = f"Its sections: {names}." if names else "Search without section."
            msg = f'The wiki has no section "{quoted_line(arguments.section)}"{where}. {advice}'
            raise ToolException(msg)
        conditions.append({"section": {"$in": sections}})
    return conditions


def _answer(
    context: ToolContext,
    arguments: AnySearchInput,
    config: RunnableConfig,
    documents: list[Document],
    searches: Sequence[SearchResult],
) -> ToolAnswer:
    timings = dict(searches[-1].timings) if searches else {}
    note = searches[-1].note if searches else ""
    thresholds = context.thresholds
    if arguments.min_score is not None:
        thresholds = Thresholds(arguments.min_score, min_top_score=0)
    relevant = thresholds.relevant(documents)
    cut = QUERY_CUT if bounded_query(arguments.query) != arguments.query else ""
    if not relevant:
        titles = [str(document.metadata.get("title") or "") for document in documents]
        titles += [c.passage.title for result in searches for c in result.candidates[:5]]
        text = f"No passage was found. {note}" if note else _no_answer(context, titles)
        return abstention(" ".join(filter(None, [cut, text])), timings)
    distinct = without_duplicates(
        [document.page_content for document in relevant],
        titles=[str(document.metadata.get("title") or "") for document in relevant],
    )
    layout = EvidenceFormat(preface=" ".join(filter(None, [cut, note])), advice=ask_or_read)
    evidence = context.lay_out([relevant[index] for index in distinct], layout, config)
    return answer(evidence, timings)


def _no_answer(context: ToolContext, titles: Sequence[str]) -> str:
    near = context.listed(list(dict.fromkeys(titles))[:5])
    nearest = f" Nearest pages, which may not help: {near}." if near else ""
    return (
        f"The wiki does not answer this: no passage is relevant enough.{nearest} Ask in other "
        "words once, or say that the wiki does not know."
    )

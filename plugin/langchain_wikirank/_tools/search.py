"""`wiki_search`: the passages that answer a question, or the word that none does."""

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
from langchain_wikirank._evidence.default_k import enough_for_budget
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
from langchain_wikirank._tools.library import ToolAnswer, ToolContext, abstention, answer
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
_MOST_KEYS = 12


class LiveSearchInput(ToolInput):
    """Arguments of `wiki_search` over a wiki that is not indexed."""

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


def search_tool(library: ToolContext) -> BaseTool:
    """The tool `wiki_search` of a library."""

    def run(arguments: AnySearchInput, config: RunnableConfig) -> ToolAnswer:
        overrides = _overrides(library, arguments)
        with recorded_searches() as searches:
            query = bounded_query(arguments.query)
            documents = library.retriever.invoke(query, _below(config), **overrides)
        return _answer(library, arguments, config, documents, searches)

    async def arun(arguments: AnySearchInput, config: RunnableConfig) -> ToolAnswer:
        overrides = await read_in_worker(_overrides, library, arguments)
        with recorded_searches() as searches:
            query = bounded_query(arguments.query)
            documents = await library.retriever.ainvoke(query, _below(config), **overrides)
        return await read_in_worker(_answer, library, arguments, config, documents, searches)

    if library.reader.has_filters:
        return make_tool("wiki_search", DESCRIPTION + _keys(library), WikiSearchInput, run, arun)
    return make_tool("wiki_search", DESCRIPTION, LiveSearchInput, run, arun)


def _keys(library: ToolContext) -> str:
    """What a filter may name; nothing that a wiki could say an instruction with."""
    known = library.reader.filter_keys
    plain = [key for key in sorted(known - FIELD_KEYS) if _PLAIN_KEY.fullmatch(key)]
    return f" Filter keys: {', '.join([*plain[:_MOST_KEYS], *sorted(FIELD_KEYS)])}."


def _below(config: RunnableConfig) -> RunnableConfig:
    """The config of a child run: without the name and the id of the tool's own."""
    return {"callbacks": config.get("callbacks")}


def _overrides(library: ToolContext, arguments: AnySearchInput) -> dict[str, Any]:
    wanted = {"k": arguments.k} if arguments.k else {}
    overrides = enough_for_budget(library.retriever, library.token_budget, wanted)
    if isinstance(arguments, LiveSearchInput):
        return overrides
    conditions = [library.retriever.filter, arguments.filter, *_place(library, arguments)]
    filters = [condition for condition in conditions if condition]
    if filters:
        overrides["filter"] = filters[0] if len(filters) == 1 else {"$and": filters}
    return overrides


def _place(library: ToolContext, arguments: WikiSearchInput) -> list[dict[str, Any]]:
    """The page and the section asked for, as the index spells them."""
    conditions: list[dict[str, Any]] = []
    if arguments.title:
        pages = library.pages(arguments.title)
        titles = sorted({page.title for page in pages})
        conditions.append({"title": {"$in": titles}})
        passages = [passage for page in pages for passage in library.reader.passages(page)]
        known = dict.fromkeys(HEADING_SEPARATOR.join(passage.section) for passage in passages)
    if arguments.section:
        like = library.reader.sections_like(arguments.section)
        if arguments.title:
            like = [section for section in like if section in known]
        if not like:
            where = f' on "{quoted_line(arguments.title)}"' if arguments.title else ""
            names = library.listed(list(known)) if arguments.title else ""
            advice = f"Its sections: {names}." if names else "Search without section."
            msg = f'The wiki has no section "{quoted_line(arguments.section)}"{where}. {advice}'
            raise ToolException(msg)
        conditions.append({"section": {"$in": like}})
    return conditions


def _answer(
    library: ToolContext,
    arguments: AnySearchInput,
    config: RunnableConfig,
    documents: list[Document],
    searches: Sequence[SearchResult],
) -> ToolAnswer:
    timings = dict(searches[-1].timings) if searches else {}
    note = searches[-1].note if searches else ""
    wanted = arguments.min_score
    thresholds = library.thresholds if wanted is None else Thresholds(wanted, min_top_score=0)
    relevant = thresholds.relevant(documents)
    cut = QUERY_CUT if bounded_query(arguments.query) != arguments.query else ""
    if not relevant:
        near = [str(document.metadata.get("title") or "") for document in documents]
        near += [c.passage.title for result in searches for c in result.candidates[:5]]
        text = f"No passage was found. {note}" if note else _nothing(library, near)
        return abstention(" ".join(filter(None, [cut, text])), timings)
    distinct = without_duplicates(
        [document.page_content for document in relevant],
        titles=[str(document.metadata.get("title") or "") for document in relevant],
    )
    layout = EvidenceFormat(preface=" ".join(filter(None, [cut, note])), advice=ask_or_read)
    evidence = library.lay_out([relevant[index] for index in distinct], layout, config)
    return answer(evidence, timings)


def _nothing(library: ToolContext, titles: Sequence[str]) -> str:
    near = library.listed(list(dict.fromkeys(titles))[:5])
    nearest = f" Nearest pages, which may not help: {near}." if near else ""
    return (
        f"The wiki does not answer this: no passage is relevant enough.{nearest} Ask in other "
        "words once, or say that the wiki does not know."
    )

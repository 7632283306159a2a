"""`wiki_list`: list the titles of a wiki by prefix, category, links or metadata."""

from __future__ import annotations

from functools import partial

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool

from langchain_wikirank._evidence.quoting import quoted_line
from langchain_wikirank._tools.arguments import (
    Filter,
    TextOrNone,
    TitlesNumber,
    ToolInput,
    optional_field,
)
from langchain_wikirank._tools.base import make_tool
from langchain_wikirank._tools.library import ToolAnswer, ToolContext, WikiToolArtifact, abstention
from wikirank.corpus.live import TitleQuery

DESCRIPTION = (
    "List the titles of the wiki's pages in alphabetical order: all, those that begin with a "
    "prefix, those of a category, or those linked with a page. To answer a question use "
    "wiki_search."
)
_NO_LINKS = " This wiki's links are not known: pages that name each other count as linked."
_DEFAULT_LIMIT = 50


class LiveListInput(ToolInput):
    """Arguments of `wiki_list` over a wiki without an index."""

    prefix: TextOrNone = optional_field("How the titles begin.")
    category: TextOrNone = optional_field("Pages of this category.")
    links_to: TextOrNone = optional_field("Pages that link to the page of this title.")
    links_from: TextOrNone = optional_field("Pages that the page of this title links to.")
    after: TextOrNone = optional_field("Go on after this, as the list before said.")
    limit: TitlesNumber = optional_field("Most titles.")


class WikiListInput(LiveListInput):
    """Arguments of `wiki_list`."""

    filter: Filter = optional_field('Metadata of the pages, as JSON: {"topic": "Physics"}.')


def list_tool(context: ToolContext) -> BaseTool:
    """Make the tool `wiki_list`."""
    run = partial(_list, context)
    if context.reader.has_filters:
        return make_tool("wiki_list", DESCRIPTION + _NO_LINKS, WikiListInput, run)
    return make_tool("wiki_list", DESCRIPTION, LiveListInput, run)


def _list(context: ToolContext, arguments: LiveListInput, _config: RunnableConfig) -> ToolAnswer:
    query = TitleQuery(
        prefix=arguments.prefix or "",
        category=arguments.category or "",
        links_to=arguments.links_to or "",
        links_from=arguments.links_from or "",
        after=arguments.after or "",
        limit=arguments.limit or _DEFAULT_LIMIT,
    )
    where = arguments.filter if isinstance(arguments, WikiListInput) else None
    titles, after = context.reader.list_titles(query, where)
    if not titles and after is None:
        return abstention("The wiki has no such title. Try a shorter prefix, or wiki_search.")
    lines: list[str] = []
    used = 0
    for title in titles:
        used += context.count_tokens(f"- {title}")
        if lines and used > context.token_budget:
            after = titles[len(lines) - 1]
            break
        lines.append(f"- {quoted_line(title)}")
    if after is not None:
        lines.append(f'There may be more: go on with wiki_list after "{quoted_line(after)}".')
    text = "\n".join(["Titles:", *lines])
    return text, WikiToolArtifact(documents=[], timings={}, left_out=0, abstained=False)

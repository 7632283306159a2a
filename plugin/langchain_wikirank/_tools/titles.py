"""`wiki_list`: which pages a wiki has, by the beginning of their titles and by metadata."""

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
from wikirank.search.titles import list_titles

DESCRIPTION = (
    "List the titles of the wiki's pages in alphabetical order: all, those that begin with a "
    "prefix, or those with some metadata. To answer a question use wiki_search."
)
_USUAL = 50


class WikiListInput(ToolInput):
    """Arguments of `wiki_list`."""

    prefix: TextOrNone = optional_field("How the titles begin, in any case.")
    filter: Filter = optional_field('Metadata of the pages, as JSON: {"topic": "Physics"}.')
    after: TextOrNone = optional_field("Go on after this title.")
    limit: TitlesNumber = optional_field("Most titles.")


def list_tool(library: ToolContext) -> BaseTool:
    """The tool `wiki_list` of a library."""
    return make_tool("wiki_list", DESCRIPTION, WikiListInput, partial(_list, library))


def _list(library: ToolContext, arguments: WikiListInput, _config: RunnableConfig) -> ToolAnswer:
    titles, after = list_titles(
        library.index.store,
        prefix=arguments.prefix or "",
        after=arguments.after or "",
        where=arguments.filter,
        limit=arguments.limit or _USUAL,
    )
    if not titles and after is None:
        return abstention("The wiki has no such title. Try a shorter prefix, or wiki_search.")
    lines: list[str] = []
    used = 0
    for title in titles:
        used += library.count_tokens(f"- {title}")
        if lines and used > library.token_budget:
            after = titles[len(lines) - 1]
            break
        lines.append(f"- {quoted_line(title)}")
    if after is not None:
        lines.append(f'There may be more: go on with wiki_list after "{quoted_line(after)}".')
    text = "\n".join(["Titles:", *lines])
    return text, WikiToolArtifact(documents=[], timings={}, left_out=0, abstained=False)

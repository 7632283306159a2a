"""A search tool for agents: numbered, cited passages to read, documents and timings to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langchain_core.callbacks import Callbacks
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field, StringConstraints

from langchain_wikirank._format import numbered_passages
from langchain_wikirank._recording import recorded_searches

if TYPE_CHECKING:
    from wikirank.search import SearchResult

DEFAULT_DESCRIPTION = (
    "Search the wiki for passages that answer a question. Returns a numbered list, best first: "
    "title › section, the text, and its address. Cite passages by their number in brackets."
)


class WikiSearchInput(BaseModel):
    """Arguments of the wiki search tool."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        description="What to find out, as a full question in natural language."
    )
    k: int | None = Field(
        default=None, ge=1, le=50, description="How many passages to return; leave out if unsure."
    )


class WikiSearchArtifact(TypedDict):
    """What the tool keeps beside the text that the chat model reads.

    Attributes:
        documents: The documents, in the order of the numbers.
        timings: Milliseconds by stage of the search.
    """

    documents: list[Document]
    timings: dict[str, float]


def create_wiki_search_tool(
    retriever: BaseRetriever, name: str = "wiki_search", description: str = DEFAULT_DESCRIPTION
) -> BaseTool:
    """Make a tool that searches the wiki.

    Args:
        retriever: A `WikiRetriever`, or a retriever around one.
        name: What the chat model calls the tool.
        description: What the chat model is told about it.

    Returns:
        A tool of `query` and, optionally, `k`. Its content is a numbered list of
        `title › section`, text and url; its artifact is a `WikiSearchArtifact`.
    """

    def search(
        query: str, k: int | None = None, callbacks: Callbacks = None
    ) -> tuple[str, WikiSearchArtifact]:
        with recorded_searches() as searches:
            found = retriever.invoke(query, {"callbacks": callbacks}, **_count(k))
        return _answer(found, searches)

    async def asearch(
        query: str, k: int | None = None, callbacks: Callbacks = None
    ) -> tuple[str, WikiSearchArtifact]:
        with recorded_searches() as searches:
            found = await retriever.ainvoke(query, {"callbacks": callbacks}, **_count(k))
        return _answer(found, searches)

    return StructuredTool(
        name=name,
        description=description,
        func=search,
        coroutine=asearch,
        args_schema=WikiSearchInput,
        response_format="content_and_artifact",
    )


def _count(k: int | None) -> dict[str, Any]:
    return {} if k is None else {"k": k}


def _answer(
    documents: list[Document], searches: list[SearchResult]
) -> tuple[str, WikiSearchArtifact]:
    timings = dict(searches[-1].timings) if searches else {}
    return numbered_passages(documents), {"documents": documents, "timings": timings}

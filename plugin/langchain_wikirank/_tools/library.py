"""Common code of the tools: the wiki, the token budget, citation numbers per conversation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from langchain_core.documents import Document
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import ToolException

from langchain_wikirank._base_retriever import BaseWikiRetriever
from langchain_wikirank._evidence.budget import Evidence, EvidenceFormat
from langchain_wikirank._evidence.citations import CitationBook
from langchain_wikirank._evidence.quoting import quoted_line
from langchain_wikirank._evidence.selection import Thresholds
from langchain_wikirank._evidence.tokens import TokenCounter
from langchain_wikirank._evidence.write import lay_out
from wikirank._util import ForkSafeLock
from wikirank.search.pages import Page
from wikirank.search.reader import PageReader

_MAX_CONVERSATIONS = 1000


class WikiToolArtifact(TypedDict):
    """Artifact of a tool message, for programs; the chat model reads only the text.

    Attributes:
        documents: The documents shown, with all scores and their number, `citation`.
        timings: Milliseconds of each stage of the search, and `total`.
        left_out: Number of passages that did not fit the token budget.
        abstained: Whether the wiki has no answer.
    """

    documents: list[Document]
    timings: dict[str, float]
    left_out: int
    abstained: bool


ToolAnswer = tuple[str, WikiToolArtifact]


class Conversations:
    """Citation numbers of the last thousand conversations, by thread id."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._books: OrderedDict[str, CitationBook] = OrderedDict()

    def book(
        self, config: RunnableConfig | None, numbers: Mapping[str, int] | None = None
    ) -> CitationBook:
        """Return the citation numbers of the conversation that a run belongs to.

        Args:
            config: Config of the run; see `with_thread_id`. Without a `thread_id` in its
                `configurable`, a new book is returned, which starts with `numbers`.
            numbers: Existing numbers of the conversation, used if it is not known yet, for example
                after a restart.

        Returns:
            The book of citation numbers.
        """
        thread_id = _thread_id(config)
        if not thread_id:
            return CitationBook(numbers)
        with self._lock:
            book = self._books.setdefault(thread_id, CitationBook(numbers))
            self._books.move_to_end(thread_id)
            if len(self._books) > _MAX_CONVERSATIONS:
                self._books.popitem(last=False)
            return book


def with_thread_id(config: RunnableConfig, messages: Sequence[Any]) -> RunnableConfig:
    """Return a config with a `thread_id`, if one can be derived.

    Args:
        config: Config of the run.
        messages: Messages of the agent, may be empty. If the config has no thread id, the id of the
            first message is used, which all runs of one conversation share.

    Returns:
        The config, with a `thread_id` if there was one or the first message has an id.
    """
    first_id = getattr(messages[0], "id", None) if messages else None
    if _thread_id(config) or not first_id:
        return config
    configurable = {**(config.get("configurable") or {}), "thread_id": f"message {first_id}"}
    return {**config, "configurable": configurable}


def _thread_id(config: RunnableConfig | None) -> str:
    thread_id = ((config or {}).get("configurable") or {}).get("thread_id")
    return "" if thread_id is None else str(thread_id)


def child_config(config: RunnableConfig) -> RunnableConfig:
    """Return the config of a child run, without the name and id of its parent."""
    return {"callbacks": config.get("callbacks")}


@dataclass(frozen=True)
class ToolContext:
    """A wiki and the settings of the tools over it.

    Attributes:
        retriever: Searches the wiki.
        token_budget: Maximum number of tokens of one answer.
        count_tokens: Counts the tokens of a text.
        thresholds: Minimum relevance scores.
        conversations: Citation numbers by conversation.
    """

    retriever: BaseWikiRetriever
    token_budget: int
    count_tokens: TokenCounter
    thresholds: Thresholds
    conversations: Conversations

    @property
    def reader(self) -> PageReader:
        """Access to whole pages of the wiki, in their current state."""
        return self.retriever.reader

    def lay_out(
        self, documents: Sequence[Document], layout: EvidenceFormat, config: RunnableConfig
    ) -> Evidence:
        """Write documents out within the budget, with citation numbers of the conversation."""
        return lay_out(
            documents,
            layout,
            budget=self.token_budget,
            count_tokens=self.count_tokens,
            citations=self.conversations.book(config),
        )

    def pages(self, name: str) -> list[Page]:
        """Return the pages with a title or address.

        Args:
            name: Title or address.

        Returns:
            At least one page.

        Raises:
            ToolException: If there is no such page. The message has the most similar titles.
        """
        if pages := self.reader.find(name):
            return pages
        titles = self.listed(self.reader.nearest_titles(name))
        advice = f"Titles like it: {titles}." if titles else "Call wiki_search to see what it has."
        msg = f'The wiki has no page "{quoted_line(name)}". {advice}'
        raise ToolException(msg)

    def listed(self, titles: Sequence[str], share: float = 0.5) -> str:
        """Return quoted titles separated by commas, as many as fit a share of the budget."""
        quoted = [f'"{quoted_line(title)}"' for title in dict.fromkeys(titles) if title]
        budget = int(self.token_budget * share)
        while quoted and self.count_tokens(", ".join(quoted)) > budget:
            quoted.pop()
        return ", ".join(quoted)


def answer(evidence: Evidence, timings: dict[str, float] | None = None) -> ToolAnswer:
    """Return the content and artifact of a tool message with evidence."""
    return evidence.text, WikiToolArtifact(
        documents=evidence.documents,
        timings=timings or {},
        left_out=evidence.left_out,
        abstained=False,
    )


def abstention(text: str, timings: dict[str, float] | None = None) -> ToolAnswer:
    """Return the content and artifact of a tool message without evidence."""
    return text, WikiToolArtifact(documents=[], timings=timings or {}, left_out=0, abstained=True)

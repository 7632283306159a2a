"""What the tools share: the wiki, the budget, the numbers of each conversation."""

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

_MOST_CONVERSATIONS = 1000


class WikiToolArtifact(TypedDict):
    """What a tool keeps beside the text that the chat model reads.

    Attributes:
        documents: The documents shown, with all their scores and their number, `citation`.
        timings: Milliseconds by stage of the search, and `total`.
        left_out: How many passages did not fit the token budget.
        abstained: Whether the wiki had nothing to answer with.
    """

    documents: list[Document]
    timings: dict[str, float]
    left_out: int
    abstained: bool


ToolAnswer = tuple[str, WikiToolArtifact]


class Conversations:
    """The citation numbers of the last thousand conversations, by their thread id."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._books: OrderedDict[str, CitationBook] = OrderedDict()

    def book(
        self, config: RunnableConfig | None, numbers: Mapping[str, int] | None = None
    ) -> CitationBook:
        """The numbers of the conversation that a run belongs to.

        Args:
            config: The run's; see `of_conversation`. Without a `thread_id` in its `configurable` it
                belongs to none, and begins at [1].
            numbers: What the conversation is known to have if this is the first that is heard of
                it, as after a restart.

        Returns:
            The book.
        """
        thread = _thread(config)
        if not thread:
            return CitationBook(numbers)
        with self._lock:
            book = self._books.setdefault(thread, CitationBook(numbers))
            self._books.move_to_end(thread)
            if len(self._books) > _MOST_CONVERSATIONS:
                self._books.popitem(last=False)
            return book


def of_conversation(config: RunnableConfig, messages: Sequence[Any]) -> RunnableConfig:
    """A config that tells which conversation a run belongs to, as far as can be known.

    Args:
        config: The run's.
        messages: Those of the agent, if there is one: without a thread id, what the runs of one
            agent have in common is the first of them, which bears an id of its own.

    Returns:
        The config, with a `thread_id` if there is either.
    """
    first = getattr(messages[0], "id", None) if messages else None
    if _thread(config) or not first:
        return config
    configurable = {**(config.get("configurable") or {}), "thread_id": f"message {first}"}
    return {**config, "configurable": configurable}


def _thread(config: RunnableConfig | None) -> str:
    thread = ((config or {}).get("configurable") or {}).get("thread_id")
    return "" if thread is None else str(thread)


@dataclass(frozen=True)
class ToolContext:
    """A wiki and the terms on which it is shown.

    Attributes:
        retriever: Searches the wiki.
        token_budget: Most tokens of one answer.
        count_tokens: Counts them.
        thresholds: The relevance that passages need to count as an answer.
        conversations: The citation numbers.
    """

    retriever: BaseWikiRetriever
    token_budget: int
    count_tokens: TokenCounter
    thresholds: Thresholds
    conversations: Conversations

    @property
    def reader(self) -> PageReader:
        """The wiki's pages, as they are now."""
        return self.retriever.reader

    def lay_out(
        self, documents: Sequence[Document], layout: EvidenceFormat, config: RunnableConfig
    ) -> Evidence:
        """Write documents out within the budget, with the numbers of the conversation."""
        return lay_out(
            documents,
            layout,
            budget=self.token_budget,
            count_tokens=self.count_tokens,
            citations=self.conversations.book(config),
        )

    def pages(self, name: str) -> list[Page]:
        """The pages of a title or address.

        Args:
            name: The title or address.

        Returns:
            At least one page.

        Raises:
            ToolException: There is none; the message names the nearest titles.
        """
        if titled := self.reader.find(name):
            return titled
        near = self.listed(self.reader.nearest_titles(name))
        advice = f"Titles like it: {near}." if near else "Call wiki_search to see what it has."
        msg = f'The wiki has no page "{quoted_line(name)}". {advice}'
        raise ToolException(msg)

    def listed(self, titles: Sequence[str], share: float = 0.5) -> str:
        """Titles in quotation marks, as many as fit a share of the budget."""
        quoted = [f'"{quoted_line(title)}"' for title in dict.fromkeys(titles) if title]
        most = int(self.token_budget * share)
        while quoted and self.count_tokens(", ".join(quoted)) > most:
            quoted.pop()
        return ", ".join(quoted)


def answer(evidence: Evidence, timings: dict[str, float] | None = None) -> ToolAnswer:
    """The evidence as a tool's content and artifact."""
    return evidence.text, WikiToolArtifact(
        documents=evidence.documents,
        timings=timings or {},
        left_out=evidence.left_out,
        abstained=False,
    )


def abstention(text: str, timings: dict[str, float] | None = None) -> ToolAnswer:
    """What a tool says and keeps where the wiki has nothing."""
    return text, WikiToolArtifact(documents=[], timings=timings or {}, left_out=0, abstained=True)

"""What the wiki adds to one turn of a conversation: composed once, kept as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from typing_extensions import TypedDict

from langchain_wikirank._evidence.budget import Evidence
from langchain_wikirank._evidence.citations import CitationBook, cited_numbers, document_key
from langchain_wikirank._evidence.entries import shown_numbers
from langchain_wikirank._evidence.selection import Thresholds
from langchain_wikirank._evidence.tokens import TokenCounter
from langchain_wikirank._evidence.write import write_evidence
from wikirank.search.options import LONGEST_QUERY, bounded_query

NOT_ANSWERED = (
    "The wiki was searched for this message and has no passage that answers it. Do not answer "
    "from the wiki what it does not say."
)
NOTHING_NEW = (
    "A search for this message by itself found nothing: the passages above are those that you "
    "cited before. What they do not answer, the wiki does not."
)
QUERY_CUT = f"Only the first {LONGEST_QUERY:,} characters of this message were searched for."
SHOWN_ABOVE = "Relevant too, and shown above already: {numbers}."
_ASKED = "Message of the user:"


class PassageRecord(TypedDict):
    """A document as plain JSON.

    Attributes:
        id: Its id, or one made of its content.
        page_content: Its text.
        metadata: Its metadata.
    """

    id: str
    page_content: str
    metadata: dict[str, Any]


class Turn(TypedDict):
    """A turn of the conversation, as it is kept in the agent's state.

    Attributes:
        message_id: The id of the user's message.
        query: Its text.
        text: What is added to it for the model; empty for nothing.
        numbers: The citation numbers of the conversation.
        passages: The passages in `text`, as they were found.
    """

    message_id: str | None
    query: str
    text: str
    numbers: dict[str, int]
    passages: list[PassageRecord]


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """On what terms passages are added.

    Attributes:
        token_budget: Most tokens of all that is added to a model call.
        thresholds: The relevance that passages need.
        count_tokens: Counts tokens.
        tools: The names of the tools that share the numbers; empty for none.
    """

    token_budget: int
    thresholds: Thresholds
    count_tokens: TokenCounter
    tools: frozenset[str]


def last_human(messages: Sequence[AnyMessage]) -> HumanMessage | None:
    """The user's last message, None if there is none."""
    return next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)


def compose_turn(
    message: HumanMessage,
    documents: Sequence[Document],
    *,
    messages: Sequence[AnyMessage],
    before: Sequence[PassageRecord],
    citations: CitationBook,
    terms: ContextSettings,
    search_note: str = "",
) -> tuple[Turn, list[PassageRecord]]:
    """Choose the passages of a turn and write them out.

    Those found come first, then those of the turn before that the model cited in a message which
    is still there; what a tool has shown in such a message is named, not repeated.

    Args:
        message: The user's message.
        documents: What the wiki was found to have, best first.
        messages: The conversation as the model will read it.
        before: The passages of the turn before.
        citations: The numbers of the conversation; those of the passages shown are added.
        terms: On what terms.
        search_note: What the search says of itself, as that models did not read the question.

    Returns:
        The turn, and the passages shown, merged and numbered.
    """
    query = str(message.text).strip()
    if not query:
        return _silent_turn(message, before, citations), []
    relevant = terms.thresholds.relevant(documents)
    told = [m for m in messages if isinstance(m, ToolMessage) and m.name in terms.tools]
    above = _numbers_told(told, citations, relevant)
    fresh = [document for document in relevant if citations.number_of(document) not in above]
    cited = _numbers_cited(messages) - above
    carried = [Document(**record) for record in before]
    carried = [document for document in carried if citations.number_of(document) in cited]
    cut = QUERY_CUT if bounded_query(query) != query else ""
    note = " ".join(filter(None, [cut, _note(relevant, carried, above, search_note)]))
    evidence = _evidence([*fresh, *carried], note, citations, terms)
    shown = {document.metadata["citation"] for document in evidence.documents}
    kept = [d for d in (*fresh, *carried) if citations.number_of(d) in shown]
    turn = Turn(
        message_id=message.id,
        query=query,
        text="\n\n".join(part for part in (evidence.text, note) if part),
        numbers=citations.to_dict(),
        passages=list({document_key(d): _record(d) for d in reversed(kept)}.values())[::-1],
    )
    return turn, [_record(document) for document in evidence.documents]


def _silent_turn(
    message: HumanMessage, before: Sequence[PassageRecord], citations: CitationBook
) -> Turn:
    """The turn of a message without text: nothing is added, nothing forgotten."""
    numbers, passages = citations.to_dict(), list(before)
    return Turn(message_id=message.id, query="", text="", numbers=numbers, passages=passages)


def with_context(messages: Sequence[AnyMessage], text: str) -> list[AnyMessage]:
    """Messages whose last one of the user begins with what the wiki has on it.

    In the user's message, because a wiki's word must not weigh like the system's, and because
    some models refuse two messages of one speaker in a row.

    Args:
        messages: The messages of a model call; not changed.
        text: What to add.

    Returns:
        The messages with a copy of that one.
    """
    question = last_human(messages)
    if question is None:
        return [HumanMessage(text), *messages]
    head = f"{text}\n\n{_ASKED}"
    content = question.content
    joined: Any = (
        f"{head}\n{content}"
        if isinstance(content, str)
        else [{"type": "text", "text": head}, *content]
    )
    copy = question.model_copy(update={"content": joined})
    return [copy if message is question else message for message in messages]


def _evidence(
    documents: list[Document], note: str, citations: CitationBook, terms: ContextSettings
) -> Evidence:
    if not documents:
        return Evidence("", [], 0, 0)
    # Joined to the rest, a text may have a token more than by itself.
    room = terms.count_tokens(f"\n\n{note}") + 2 if note else 0
    return write_evidence(
        documents,
        budget=terms.token_budget - room,
        count_tokens=terms.count_tokens,
        citations=citations,
        may_read=bool(terms.tools),
    )


def _note(
    relevant: Sequence[Document], carried: Sequence[Document], above: set[int], search_note: str
) -> str:
    """What is said after the passages; empty for nothing."""
    if not relevant and search_note:  # What was not understood may well be answered.
        return f"No passage was found. {search_note}"
    if not relevant:
        return NOTHING_NEW if carried else NOT_ANSWERED
    numbers = ", ".join(f"[{number}]" for number in sorted(above))
    shown = SHOWN_ABOVE.format(numbers=numbers) if numbers else ""
    return " ".join(filter(None, [shown, search_note]))


def _numbers_told(
    told: Sequence[ToolMessage], citations: CitationBook, documents: Sequence[Document]
) -> set[int]:
    """Which of these documents stand in a tool's answer, by their numbers."""
    read = shown_numbers("\n".join(str(message.text) for message in told))
    return read & {n for document in documents if (n := citations.number_of(document))}


def _numbers_cited(messages: Sequence[AnyMessage]) -> set[int]:
    """What the model has cited in the messages that are still there."""
    said = [str(message.text) for message in messages if isinstance(message, AIMessage)]
    return {number for text in said for number in cited_numbers(text)}


def _record(document: Document) -> PassageRecord:
    return PassageRecord(
        id=document_key(document),
        page_content=document.page_content,
        metadata=json.loads(json.dumps(document.metadata, default=str)),
    )

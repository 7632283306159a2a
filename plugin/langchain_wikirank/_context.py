"""The wiki context of one turn of a conversation: composed once, stored as plain JSON."""

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
    "A search for this message alone found nothing: the passages above are those that you cited "
    "before. What they do not answer, the wiki does not."
)
QUERY_CUT = f"Only the first {LONGEST_QUERY:,} characters of this message were searched for."
SHOWN_ABOVE = "Relevant too, and shown above already: {numbers}."
_USER_MESSAGE = "Message of the user:"


class PassageRecord(TypedDict):
    """A document as plain JSON.

    Attributes:
        id: Id of the document, or a hash of its content.
        page_content: Text of the document.
        metadata: Metadata of the document; values that JSON does not know become strings.
    """

    id: str
    page_content: str
    metadata: dict[str, Any]


class Turn(TypedDict):
    """One turn of the conversation, as stored in the agent's state.

    Attributes:
        message_id: Id of the user's message.
        query: Text of the user's message.
        text: Text added to the message for the model; empty for none.
        numbers: Citation numbers of the conversation.
        passages: The passages shown in `text`, before merging.
    """

    message_id: str | None
    query: str
    text: str
    numbers: dict[str, int]
    passages: list[PassageRecord]


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """How passages are added to a message.

    Attributes:
        token_budget: Maximum number of tokens added to a model call.
        thresholds: Minimum relevance scores.
        count_tokens: Counts the tokens of a text.
        tools: Names of the tools that share the citation numbers; may be empty.
    """

    token_budget: int
    thresholds: Thresholds
    count_tokens: TokenCounter
    tools: frozenset[str]


def last_human(messages: Sequence[AnyMessage]) -> HumanMessage | None:
    """Return the user's last message, or None."""
    return next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)


def compose_turn(
    message: HumanMessage,
    documents: Sequence[Document],
    *,
    messages: Sequence[AnyMessage],
    previous: Sequence[PassageRecord],
    citations: CitationBook,
    settings: ContextSettings,
    search_note: str = "",
) -> tuple[Turn, list[PassageRecord]]:
    """Select the passages of a turn and write them out.

    Search results come first, then passages of the previous turn that the model cited in a message
    that is still in the history. Passages that a tool showed in such a message are only named.

    Args:
        message: The user's message.
        documents: The search results, best first.
        messages: The conversation as the model will read it.
        previous: The passages of the previous turn.
        citations: Citation numbers of the conversation; new ones are added.
        settings: How to add passages.
        search_note: Remark of the search, for example that the models cannot read the question.

    Returns:
        The turn, and the passages shown, merged and numbered.
    """
    query = str(message.text).strip()
    if not query:
        return _empty_turn(message, previous, citations), []
    relevant = settings.thresholds.relevant(documents)
    tool_messages = [m for m in messages if isinstance(m, ToolMessage) and m.name in settings.tools]
    shown_above = _numbers_in_tool_messages(tool_messages, citations, relevant)
    new = [document for document in relevant if citations.number_of(document) not in shown_above]
    cited = _cited_by_model(messages) - shown_above
    carried = [Document(**record) for record in previous]
    carried = [document for document in carried if citations.number_of(document) in cited]
    cut = QUERY_CUT if bounded_query(query) != query else ""
    note = " ".join(filter(None, [cut, _note(relevant, carried, shown_above, search_note)]))
    evidence = _evidence([*new, *carried], note, citations, settings)
    shown = {document.metadata["citation"] for document in evidence.documents}
    kept = [d for d in (*new, *carried) if citations.number_of(d) in shown]
    turn = Turn(
        message_id=message.id,
        query=query,
        text="\n\n".join(part for part in (evidence.text, note) if part),
        numbers=citations.to_dict(),
        passages=list({document_key(d): _record(d) for d in reversed(kept)}.values())[::-1],
    )
    return turn, [_record(document) for document in evidence.documents]


def _empty_turn(
    message: HumanMessage, previous: Sequence[PassageRecord], citations: CitationBook
) -> Turn:
    """Return the turn of a message without text: add nothing, keep the previous passages."""
    numbers, passages = citations.to_dict(), list(previous)
    return Turn(message_id=message.id, query="", text="", numbers=numbers, passages=passages)


def with_context(messages: Sequence[AnyMessage], text: str) -> list[AnyMessage]:
    """Put the text in front of the user's last message.

    The text goes into the user's message because text from a wiki must not carry system authority,
    and because some models reject two messages in a row from the same role.

    Args:
        messages: The messages of a model call. They are not changed.
        text: The text to add.

    Returns:
        The messages, with a changed copy of the user's last one.
    """
    question = last_human(messages)
    if question is None:
        return [HumanMessage(text), *messages]
    head = f"{text}\n\n{_USER_MESSAGE}"
    content = question.content
    joined: Any = (
        f"{head}\n{content}"
        if isinstance(content, str)
        else [{"type": "text", "text": head}, *content]
    )
    copy = question.model_copy(update={"content": joined})
    return [copy if message is question else message for message in messages]


def _evidence(
    documents: list[Document], note: str, citations: CitationBook, settings: ContextSettings
) -> Evidence:
    if not documents:
        return Evidence("", [], 0, 0)
    # Joined to other text, the note may have more tokens than alone.
    room = settings.count_tokens(f"\n\n{note}") + 2 if note else 0
    return write_evidence(
        documents,
        budget=settings.token_budget - room,
        count_tokens=settings.count_tokens,
        citations=citations,
        may_read=bool(settings.tools),
    )


def _note(
    relevant: Sequence[Document],
    carried: Sequence[Document],
    shown_above: set[int],
    search_note: str,
) -> str:
    """Return the remark after the passages; empty for none."""
    if not relevant and search_note:  # The wiki may still have an answer.
        return f"No passage was found. {search_note}"
    if not relevant:
        return NOTHING_NEW if carried else NOT_ANSWERED
    numbers = ", ".join(f"[{number}]" for number in sorted(shown_above))
    shown = SHOWN_ABOVE.format(numbers=numbers) if numbers else ""
    return " ".join(filter(None, [shown, search_note]))


def _numbers_in_tool_messages(
    tool_messages: Sequence[ToolMessage], citations: CitationBook, documents: Sequence[Document]
) -> set[int]:
    """Return the numbers of those documents that a tool message shows."""
    numbers = shown_numbers("\n".join(str(message.text) for message in tool_messages))
    return numbers & {n for document in documents if (n := citations.number_of(document))}


def _cited_by_model(messages: Sequence[AnyMessage]) -> set[int]:
    """Return the numbers that the model cited in messages that are still in the history."""
    answers = [str(message.text) for message in messages if isinstance(message, AIMessage)]
    return {number for text in answers for number in cited_numbers(text)}


def _record(document: Document) -> PassageRecord:
    return PassageRecord(
        id=document_key(document),
        page_content=document.page_content,
        metadata=json.loads(json.dumps(document.metadata, default=str)),
    )

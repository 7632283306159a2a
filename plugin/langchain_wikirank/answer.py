"""What a question-answering chain is asked and what it answers, citations resolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, Self

from langchain_core.documents import Document
from langchain_core.messages import MessageLikeRepresentation
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from langchain_wikirank._documents import relevance_of, section_of


class WikiQuestion(TypedDict):
    """A question within a conversation.

    Attributes:
        question: The question; it may refer to what was said before.
        chat_history: The messages before it, oldest first, in any form that LangChain knows.
    """

    question: str
    chat_history: NotRequired[Sequence[MessageLikeRepresentation]]


class Citation(BaseModel):
    """A passage that an answer cites."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    number: int = Field(ge=1)
    """Its number: `1` for `[1]` in the answer."""

    title: str = ""
    """The title of its page."""

    section: str = ""
    """The headings above it, `A › B`."""

    url: str = ""
    """Its address."""

    document_id: str
    """The id of its document; of the best one where adjacent passages were shown as one."""

    score: float | None = None
    """Its `relevance_score`, in [0, 1]; None where nothing scored it."""

    text: str
    """The text that the chat model was shown."""

    @classmethod
    def of(cls, document: Document) -> Self:
        """The citation of a document that was shown with a number.

        Args:
            document: The document, its number under `citation` in its metadata.

        Returns:
            The citation.
        """
        metadata = document.metadata
        return cls(
            number=metadata["citation"],
            title=str(metadata.get("title") or ""),
            section=section_of(document),
            url=str(metadata.get("url") or ""),
            document_id=document.id or "",
            score=relevance_of(document),
            text=document.page_content,
        )


class WikiAnswer(BaseModel):
    """An answer from the wiki, or a piece of one.

    What a chain streams are pieces: each holds only what is new, and their sum (`+`) is the whole
    answer, the same that `invoke` returns.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    question: str = ""
    """The question that was answered: a follow-up question as rewritten to stand alone."""

    answer: str = ""
    """The chat model's answer, citations in brackets, those that it invented taken out."""

    abstained: bool = False
    """Whether the wiki does not answer, by the passages' scores or the chat model's word."""

    citations: list[Citation] = Field(default_factory=list)
    """The passages that the answer cites, by number."""

    documents: list[Document] = Field(default_factory=list)
    """All passages that the chat model was shown, best first; `citation` is each one's number."""

    invented_citations: list[int] = Field(default_factory=list)
    """The numbers that the chat model cited and no passage has; taken out of `answer`."""

    note: str = ""
    """What to know of the search, in one line, such as that the models do not read the language of
    the question; empty if nothing."""

    def __add__(self, later: WikiAnswer) -> WikiAnswer:
        return WikiAnswer(
            question=self.question + later.question,
            answer=self.answer + later.answer,
            abstained=self.abstained or later.abstained,
            citations=self.citations + later.citations,
            documents=self.documents + later.documents,
            invented_citations=self.invented_citations + later.invented_citations,
            note=self.note + later.note,
        )

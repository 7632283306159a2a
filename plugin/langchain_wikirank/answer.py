"""Input and output of the question-answering chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, Self

from langchain_core.documents import Document
from langchain_core.messages import MessageLikeRepresentation
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from langchain_wikirank._documents import document_section, relevance_score_of


class WikiQuestion(TypedDict):
    """A question, optionally with the conversation before it.

    Attributes:
        question: The question. It may refer to the conversation.
        chat_history: Earlier messages, oldest first, in any format that LangChain can convert.
    """

    question: str
    chat_history: NotRequired[Sequence[MessageLikeRepresentation]]


class Citation(BaseModel):
    """A passage that an answer cites."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    number: int = Field(ge=1)
    """Number in the answer: `1` for `[1]`."""

    title: str = ""
    """Title of the page."""

    section: str = ""
    """Headings above the passage within its page, such as `A › B`."""

    url: str = ""
    """URL of the passage; empty if unknown."""

    document_id: str
    """Id of the document, or of the best one if adjacent passages were merged."""

    score: float | None = None
    """The `relevance_score` of the passage, in [0, 1]; None if it was not scored."""

    text: str
    """Text that the chat model read."""

    @classmethod
    def of(cls, document: Document) -> Self:
        """Create the citation of a document.

        Args:
            document: A document with its number under `citation` in its metadata.

        Returns:
            The citation.
        """
        metadata = document.metadata
        return cls(
            number=metadata["citation"],
            title=str(metadata.get("title") or ""),
            section=document_section(document),
            url=str(metadata.get("url") or ""),
            document_id=document.id or "",
            score=relevance_score_of(document),
            text=document.page_content,
        )


class WikiAnswer(BaseModel):
    """An answer from the wiki, or a piece of a streamed one.

    A streamed piece holds only what is new. The sum of all pieces (`+`) is the answer that `invoke`
    returns.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    question: str = ""
    """The question that was answered; a follow-up question is rewritten to stand alone."""

    answer: str = ""
    """Answer of the chat model with citations such as `[1]`, without invented ones."""

    abstained: bool = False
    """Whether the wiki has no answer, according to the scores or to the chat model."""

    citations: list[Citation] = Field(default_factory=list)
    """Passages that the answer cites, sorted by number."""

    documents: list[Document] = Field(default_factory=list)
    """All passages that the chat model read, best first, with the metadata key `citation`."""

    invented_citations: list[int] = Field(default_factory=list)
    """Numbers that the chat model cited but no passage has. They are removed from `answer`."""

    note: str = ""
    """A remark on the search in one line, such as that the models cannot read the language of the
    question; empty if there is none."""

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

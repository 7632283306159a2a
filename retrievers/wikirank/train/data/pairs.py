"""The user's own questions, each paired with a passage that answers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wikirank._json_lines import expected, read_records, text_field
from wikirank.errors import CorpusError
from wikirank.passages.ids import stable_hash
from wikirank.types import HEADING_SEPARATOR, Passage


@dataclass(frozen=True, slots=True)
class QuestionPair:
    """A question and a passage that answers it.

    Attributes:
        question: Text of the question.
        passage: Text that answers the question.
        title: Title of the passage's article; empty if unknown.
        section: Headings above the passage, outermost first; empty for the lead or if unknown.
    """

    question: str
    passage: str
    title: str = ""
    section: tuple[str, ...] = ()

    def as_passage(self) -> Passage:
        """Return the passage to add to the index that negatives are mined from.

        Passages with the same title count as one article.
        """
        id_ = f"pair-{stable_hash([self.title, *self.section, self.passage])}"
        return Passage(
            id=id_,
            text=self.passage,
            source="pairs",
            article=self.title or id_,
            title=self.title,
            section=self.section,
        )


def read_pairs(path: Path | str) -> Iterator[QuestionPair]:
    """Read question–passage pairs from JSON lines, plain or gzipped (`.gz`).

    Args:
        path: File of records `{"question", "passage"}`. `title` (a string) and `section` (a string
            such as `History › Early years`, or a list of headings) are optional. Other fields are
            ignored.

    Yields:
        The pairs in the file's order.

    Raises:
        CorpusError: If the file cannot be read or holds no record, or a record is wrong. The
            message names the file and the line.
    """
    for where, record in read_records(Path(path)):
        yield QuestionPair(
            question=_text(record, "question", where).strip(),
            passage=_text(record, "passage", where).strip(),
            title=_optional(record, "title", where).strip(),
            section=_section(record, where),
        )


def _text(record: Mapping[str, Any], field: str, where: str) -> str:
    text = text_field(record, field, where)
    return encodable(text, where)


def _optional(record: Mapping[str, Any], field: str, where: str) -> str:
    if record.get(field) is None:
        return ""
    return encodable(text_field(record, field, where, blank=True), where)


def _section(record: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = record.get("section")
    if value is None or isinstance(value, str):
        parts = _optional(record, "section", where).split(HEADING_SEPARATOR.strip())
    elif isinstance(value, list) and all(isinstance(part, str) for part in value):
        parts = [encodable(part, where) for part in value]
    else:
        raise CorpusError(expected(where, "a heading or a list of headings in 'section'", value))
    return tuple(part.strip() for part in parts if part.strip())


def encodable(text: str, where: str) -> str:
    """Return the text. Raise CorpusError if it holds half of a surrogate pair, as JSON may."""
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise CorpusError(expected(where, "text that UTF-8 can hold", text)) from err
    return text

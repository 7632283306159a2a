"""Citation numbers of passages, and reading them back from the answer of a chat model.

A passage keeps its number for a whole conversation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Self

from langchain_core.documents import Document

from wikirank._util import ForkSafeLock
from wikirank.errors import InvalidArgumentError
from wikirank.passages.ids import stable_hash

# "[1]", "[1, 2]", "[1-3]". Numbers of four digits are years and the like.
_NUMBER = r"[1-9]\d{0,2}"
_MARK = rf"\[\s*{_NUMBER}(?:[\s,;–—-]+{_NUMBER})*\s*\]"
_RANGE_OR_NUMBER = re.compile(rf"({_NUMBER})(?:\s*[–—-]\s*({_NUMBER}))?")
# White space matches only from its beginning, otherwise long runs take quadratic time.
_TOKEN = re.compile(
    rf"(?P<ticks>`+)|(?P<blank>\n[ \t]*\n)|(?P<space>(?<![ \t])[ \t]*)(?P<mark>{_MARK})"
)
_MAX_MARK_CHARS = 40
_UNFINISHED = re.compile(r"\[[\s\d,;–—-]*\Z")


def cited_numbers(text: str) -> set[int]:
    """Return the numbers that an answer cites: those in brackets, outside of code."""
    reader = CitationReader(())
    reader.feed(text)
    reader.end()
    return set(reader.invented)


class CitationReader:
    """Removes unknown citations from a streamed answer and records all citations.

    Brackets in code are kept: `row[1]` between backticks is not a citation.

    Args:
        known: The valid numbers.

    Attributes:
        cited: The valid numbers cited so far, in order of first mention.
        invented: The invalid numbers cited so far, in order of first mention.
    """

    def __init__(self, known: Collection[int]) -> None:
        self.cited: list[int] = []
        self.invented: list[int] = []
        self._seen = set[int]()
        self._known = known
        self._buffer = ""
        self._ticks = ""
        self._started = False
        self._at_line_start = True
        self._dropped_first = False

    def feed(self, piece: str) -> str:
        """Read the next piece of the answer.

        Args:
            piece: Any text.

        Returns:
            Text that can be shown. The end of the piece is kept back while it may be part of a
            citation.
        """
        self._buffer += piece
        cut = _ready_length(self._buffer)
        ready, self._buffer = self._buffer[:cut], self._buffer[cut:]
        return self._clean(ready)

    def end(self) -> str:
        """Return the text kept back, without white space at the end of the answer."""
        ready, self._buffer = self._buffer.rstrip(), ""
        return self._clean(ready)

    def _clean(self, text: str) -> str:
        return "".join(self._clean_parts(text))

    def _clean_parts(self, text: str) -> Iterator[str]:
        end = 0
        for token in _TOKEN.finditer(text):
            yield self._trim(text[end : token.start()])
            yield self._trim(self._process(token))
            end = token.end()
        yield self._trim(text[end:])

    def _trim(self, text: str) -> str:
        """Strip white space before the answer, and after a mark removed at a line start."""
        if not self._started:
            text = text.lstrip()
        if self._dropped_first:
            text = text.lstrip(" ")
        if text:
            self._started, self._dropped_first = True, False
            self._at_line_start = text.endswith("\n")
        return text

    def _process(self, token: re.Match[str]) -> str:
        if ticks := token["ticks"]:
            if not self._ticks:
                self._ticks = ticks
            elif self._ticks == ticks:
                self._ticks = ""
            return ticks
        if token["blank"]:
            # Inline code ends with its paragraph at the latest; a block has three ticks.
            self._ticks = self._ticks if len(self._ticks) > 2 else ""
            return token[0]
        return token[0] if self._ticks else self._mark(token)

    def _mark(self, token: re.Match[str]) -> str:
        numbers = list(_numbers(token["mark"]))
        kept = [number for number in numbers if number in self._known]
        for number in numbers:
            record = self.cited if number in self._known else self.invented
            if number not in self._seen:
                self._seen.add(number)
                record.append(number)
        if len(kept) == len(numbers):
            return token[0]
        self._dropped_first = not kept and self._at_line_start
        return f"{token['space']}[{', '.join(map(str, kept))}]" if kept else ""


def _ready_length(text: str) -> int:
    """Return the length without a possible start of a token and without trailing white space."""
    if text.endswith("`"):
        return len(text.rstrip("`"))
    unfinished = _UNFINISHED.search(text, max(0, len(text) - _MAX_MARK_CHARS - 1))
    return len(text[: unfinished.start()].rstrip() if unfinished else text.rstrip())


def _numbers(mark: str) -> Iterator[int]:
    for first, last in _RANGE_OR_NUMBER.findall(mark):
        yield from range(int(first), int(last) + 1) if last else (int(first),)


class CitationBook:
    """Assigns each passage a number from 1 on, and always the same one.

    Passages are identified by the id of their document, or by their content without an id. Threads
    may share a book. Hold its `lock` to read and change it in one step.

    Args:
        numbers: Numbers of an earlier book, from `to_dict`.

    Raises:
        InvalidArgumentError: If a number is not a positive integer.
    """

    def __init__(self, numbers: Mapping[str, int] | None = None) -> None:
        self.lock = ForkSafeLock(reentrant=True)
        self._numbers = dict(numbers or {})
        for key, number in self._numbers.items():
            if type(number) is not int or number < 1:
                msg = (
                    f"Expected citation numbers of at least 1, got {number!r} for {key!r}. "
                    "Restore them from to_dict."
                )
                raise InvalidArgumentError(msg)

    def number_of(self, document: Document) -> int | None:
        """Return the number of a passage, or None if it has none yet."""
        with self.lock:
            return self._numbers.get(document_key(document))

    def cite(self, documents: Sequence[Document]) -> int:
        """Return the common number of passages that are shown as one.

        It is the number of the best passage if it has one, otherwise the lowest number among them,
        otherwise a new one. Passages without a number get it too. No passage changes its number.

        Args:
            documents: The passages, best first, at least one.

        Returns:
            The number.
        """
        with self.lock:
            number = self.preview([documents])[0]
            for document in documents:
                self._numbers.setdefault(document_key(document), number)
            return number

    def preview(self, shown: Sequence[Sequence[Document]]) -> list[int]:
        """Return the numbers that `cite` would assign to several entries, without assigning them.

        Args:
            shown: The passages of each entry, best first.

        Returns:
            One number per entry.
        """
        with self.lock:
            next_number = max(self._numbers.values(), default=0) + 1
            numbers = []
            for documents in shown:
                existing = [number for d in documents if (number := self.number_of(d))]
                best = self.number_of(documents[0])
                number = best or min(existing, default=next_number)
                next_number += number == next_number
                numbers.append(number)
            return numbers

    def copy(self) -> Self:
        """Return an independent copy."""
        return type(self)(self.to_dict())

    def to_dict(self) -> dict[str, int]:
        """Return the numbers by key, as plain JSON for `CitationBook(…)`."""
        with self.lock:
            return dict(self._numbers)


def document_key(document: Document) -> str:
    """Return the id of a document, or a hash of its content, title, section and url."""
    if document.id:
        return document.id
    location = [str(document.metadata.get(name, "")) for name in ("title", "section", "url")]
    return stable_hash([document.page_content, *location])

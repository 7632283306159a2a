"""The numbers that a chat model cites by, and reading them back from what it writes.

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

# "[1]", "[1, 2]", "[1-3]"; longer numbers are years and the like, and none is 0.
_NUMBER = r"[1-9]\d{0,2}"
_MARK = rf"\[\s*{_NUMBER}(?:[\s,;–—-]+{_NUMBER})*\s*\]"
_RANGE_OR_NUMBER = re.compile(rf"({_NUMBER})(?:\s*[–—-]\s*({_NUMBER}))?")
# White space is looked at from its beginning alone, or a long one would take its square.
_TOKEN = re.compile(
    rf"(?P<ticks>`+)|(?P<blank>\n[ \t]*\n)|(?P<space>(?<![ \t])[ \t]*)(?P<mark>{_MARK})"
)
_LONGEST_UNFINISHED = 40  # characters of a mark
_UNFINISHED = re.compile(r"\[[\s\d,;–—-]*\Z")


def cited_numbers(text: str) -> set[int]:
    """The numbers that a chat model's answer cites: those in brackets, outside code."""
    reader = CitationReader(())
    reader.feed(text)
    reader.end()
    return set(reader.invented)


class CitationReader:
    """Takes the citations that are not known out of an answer, and notes all.

    Brackets within code are let be: `row[1]` between backticks cites nothing.

    Args:
        known: The numbers that there are.

    Attributes:
        cited: The known numbers cited so far, in the order of their first mention.
        invented: The others, likewise.
    """

    def __init__(self, known: Collection[int]) -> None:
        self.cited: list[int] = []
        self.invented: list[int] = []
        self._noted = set[int]()
        self._known = known
        self._held = ""
        self._ticks = ""
        self._started = False
        self._at_line_start = True
        self._dropped_first = False

    def feed(self, piece: str) -> str:
        """Take in the next piece of the answer.

        Args:
            piece: Any text.

        Returns:
            What is ready to be shown; the end of the piece is held back while it may belong to a
            citation.
        """
        self._held += piece
        cut = _ready_length(self._held)
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._clean(ready)

    def end(self) -> str:
        """What was held back, without white space at the end of the answer."""
        ready, self._held = self._held.rstrip(), ""
        return self._clean(ready)

    def _clean(self, text: str) -> str:
        return "".join(self._shown(text))

    def _shown(self, text: str) -> Iterator[str]:
        end = 0
        for token in _TOKEN.finditer(text):
            yield self._line(text[end : token.start()])
            yield self._line(self._read(token))
            end = token.end()
        yield self._line(text[end:])

    def _line(self, text: str) -> str:
        """The text, without white space before the answer or after a mark dropped from its line."""
        if not self._started:
            text = text.lstrip()
        if self._dropped_first:
            text = text.lstrip(" ")
        if text:
            self._started, self._dropped_first = True, False
            self._at_line_start = text.endswith("\n")
        return text

    def _read(self, token: re.Match[str]) -> str:
        if ticks := token["ticks"]:
            if not self._ticks:
                self._ticks = ticks
            elif self._ticks == ticks:
                self._ticks = ""
            return ticks
        if token["blank"]:
            # Code within a line ends with its paragraph at the latest; a block has three ticks.
            self._ticks = self._ticks if len(self._ticks) > 2 else ""
            return token[0]
        return token[0] if self._ticks else self._mark(token)

    def _mark(self, token: re.Match[str]) -> str:
        numbers = list(_numbers(token["mark"]))
        kept = [number for number in numbers if number in self._known]
        for number in numbers:
            noted = self.cited if number in self._known else self.invented
            if number not in self._noted:
                self._noted.add(number)
                noted.append(number)
        if len(kept) == len(numbers):
            return token[0]
        self._dropped_first = not kept and self._at_line_start
        return f"{token['space']}[{', '.join(map(str, kept))}]" if kept else ""


def _ready_length(text: str) -> int:
    """The length without what may yet become a token, or white space at the end of the answer."""
    if text.endswith("`"):
        return len(text.rstrip("`"))
    unfinished = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_UNFINISHED - 1))
    return len(text[: unfinished.start()].rstrip() if unfinished else text.rstrip())


def _numbers(mark: str) -> Iterator[int]:
    for first, last in _RANGE_OR_NUMBER.findall(mark):
        yield from range(int(first), int(last) + 1) if last else (int(first),)


class CitationBook:
    """Gives each passage a number from 1, and always the same one.

    A passage is known by its document's id, or by its content where it has none. Threads may
    share a book; hold its `lock` to look at it and change it in one step.

    Args:
        numbers: What an earlier book gave, as from `to_dict`.

    Raises:
        InvalidArgumentError: If a number is not a whole number over 0.
    """

    def __init__(self, numbers: Mapping[str, int] | None = None) -> None:
        self.lock = ForkSafeLock(reentrant=True)
        self._numbers = dict(numbers or {})
        for key, number in self._numbers.items():
            if type(number) is not int or number < 1:
                msg = f"Expected citation numbers of at least 1, got {number!r} for {key!r}."
                raise InvalidArgumentError(msg)

    def number_of(self, document: Document) -> int | None:
        """The number of a passage, None if it has none yet."""
        with self.lock:
            return self._numbers.get(document_key(document))

    def cite(self, documents: Sequence[Document]) -> int:
        """Give passages that are shown as one a common number.

        The number is that of the best if it has one, else the lowest that one of them has, else a
        new one. Those that have no number yet get it too; none ever loses its own.

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
        """The numbers that `cite` would give, one after another, without giving them.

        Args:
            shown: The passages of each entry, best first.

        Returns:
            A number for each entry.
        """
        with self.lock:
            following = max(self._numbers.values(), default=0) + 1
            numbers = []
            for documents in shown:
                known_numbers = [number for d in documents if (number := self.number_of(d))]
                best = self.number_of(documents[0])
                number = best or min(known_numbers, default=following)
                following += number == following
                numbers.append(number)
            return numbers

    def copy(self) -> Self:
        """A book of its own with the same numbers."""
        return type(self)(self.to_dict())

    def to_dict(self) -> dict[str, int]:
        """The numbers by key: plain JSON, from which `CitationBook(…)` makes the book again."""
        with self.lock:
            return dict(self._numbers)


def document_key(document: Document) -> str:
    """What a document is known by: its id, else a hash of its content and its place."""
    if document.id:
        return document.id
    place = [str(document.metadata.get(name, "")) for name in ("title", "section", "url")]
    return stable_hash([document.page_content, *place])

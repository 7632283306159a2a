"""The numbers that a chat model cites by: a passage keeps its own for a whole conversation."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from langchain_core.documents import Document
from typing_extensions import Self

from wikirank.corpus.ids import stable_hash
from wikirank.errors import InvalidArgumentError


class CitationBook:
    """Gives each passage a number from 1, and always the same one.

    A passage is known by its document's id, or by its content where it has none. Threads may
    share a book; hold its `lock` to look at it and change it in one step.

    Args:
        numbers: What an earlier book gave, as from `to_dict`.

    Raises:
        InvalidArgumentError: A number is not a whole number over 0.
    """

    def __init__(self, numbers: Mapping[str, int] | None = None) -> None:
        self.lock = threading.RLock()
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
                given = [number for d in documents if (number := self.number_of(d))]
                best = self.number_of(documents[0])
                number = best or min(given, default=following)
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

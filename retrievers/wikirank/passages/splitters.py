"""Splitters cut the text of a section or article into passages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from wikirank.errors import InvalidArgumentError
from wikirank.passages.sentences import sentence_spans

Span = tuple[int, int]


class Splitter(Protocol):
    """Anything that cuts a text into passages."""

    @property
    def by_section(self) -> bool:
        """True to get one section at a time; False to get the whole text with its heading lines."""
        ...

    def spans(self, text: str) -> list[Span]:
        """Return start and end of each passage, in characters of `text`, in reading order."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return kind and settings as JSON values, for `splitter_from`."""
        ...


@dataclass(frozen=True)
class SentenceSplitter:
    """Packs whole sentences into passages, as many as fit.

    A line break ends a sentence. A sentence longer than a passage is cut at the last white space
    within the limit, or at the limit if there is none. White space around passages is dropped; no
    other character is lost.

    Attributes:
        max_chars: Maximum length of a passage in characters, 1 or more.
        overlap: Maximum characters of whole sentences that a passage repeats from the end of the
            one before, from 0 to `max_chars - 1`. Fewer are repeated if the next sentence would
            not fit otherwise.

    Raises:
        InvalidArgumentError: If a setting is out of range.
    """

    max_chars: int = 500
    overlap: int = 0
    by_section: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_max_chars(self.max_chars)
        if not _is_int(self.overlap) or not 0 <= self.overlap < self.max_chars:
            msg = (
                f"Expected overlap to be a whole number of characters from 0 to "
                f"{self.max_chars - 1} (less than max_chars), got {self.overlap!r}."
            )
            raise InvalidArgumentError(msg)

    def spans(self, text: str) -> list[Span]:
        """Return start and end of each passage, in characters of `text`, in reading order."""
        units = [
            piece
            for start, end in sentence_spans(text)
            for piece in _pieces(text, start, end, self.max_chars)
        ]
        spans: list[Span] = []
        first = last = 0  # units[first:last] is the passage being packed
        while last < len(units):
            while last < len(units) and units[last][1] - units[first][0] <= self.max_chars:
                last += 1
            spans.append((units[first][0], units[last - 1][1]))
            first = self._next_first(units, first, last)
        return spans

    def describe(self) -> dict[str, Any]:
        """Return kind and settings as JSON values, for `splitter_from`."""
        return {"kind": "sentences", "max_chars": self.max_chars, "overlap": self.overlap}

    def _next_first(self, units: Sequence[Span], first: int, last: int) -> int:
        """First unit of the passage after `units[first:last]`; leaves room for one more unit."""
        if last == len(units):
            return last
        end, next_end = units[last - 1][1], units[last][1]
        while first < last and (
            end - units[first][0] > self.overlap or next_end - units[first][0] > self.max_chars
        ):
            first += 1
        return first


@dataclass(frozen=True)
class WindowSplitter:
    """Cuts every `max_chars` characters, through words and headings, like the original recipe.

    Attributes:
        max_chars: Length of a passage in characters, 1 or more; the last may be shorter.

    Raises:
        InvalidArgumentError: If `max_chars` is out of range.
    """

    max_chars: int = 500
    by_section: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_max_chars(self.max_chars)

    def spans(self, text: str) -> list[Span]:
        """Return start and end of each passage, in characters of `text`, in reading order."""
        size = self.max_chars
        return [(start, min(start + size, len(text))) for start in range(0, len(text), size)]

    def describe(self) -> dict[str, Any]:
        """Return kind and settings as JSON values, for `splitter_from`."""
        return {"kind": "windows", "max_chars": self.max_chars}


_KINDS: dict[str, type[SentenceSplitter] | type[WindowSplitter]] = {
    "sentences": SentenceSplitter,
    "windows": WindowSplitter,
}


def splitter_from(description: Mapping[str, Any]) -> Splitter:
    """Make a splitter from the result of `Splitter.describe`.

    Args:
        description: `kind` ("sentences" or "windows") and the settings of that kind; missing
            settings take their defaults.

    Returns:
        A splitter equal to the described one.

    Raises:
        InvalidArgumentError: If the kind or a setting is unknown, or a setting is out of range.
    """
    settings = dict(description)
    kind = settings.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        msg = f"Expected a splitter of kind {' or '.join(map(repr, _KINDS))}, got {kind!r}."
        raise InvalidArgumentError(msg)
    known = _KINDS[kind].__dataclass_fields__
    unknown = sorted(map(repr, settings.keys() - known.keys()))
    if unknown:
        msg = (
            f"Expected the settings {', '.join(known)} for a splitter of kind {kind!r}, got "
            f"{', '.join(unknown)}."
        )
        raise InvalidArgumentError(msg)
    return _KINDS[kind](**settings)


def _pieces(text: str, start: int, end: int, max_chars: int) -> Iterator[Span]:
    """Cut a sentence that is too long at white space, or at the limit where there is none."""
    while end - start > max_chars:
        limit = start + max_chars
        cut = next((index for index in range(limit, start, -1) if text[index].isspace()), limit)
        yield start, start + len(text[start:cut].rstrip())
        start = cut
        while text[start].isspace():
            start += 1
    yield start, end


def _check_max_chars(value: object) -> None:
    if not _is_int(value) or value < 1:  # type: ignore[operator]
        msg = f"Expected max_chars to be a whole number, 1 or more, got {value!r}."
        raise InvalidArgumentError(msg)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

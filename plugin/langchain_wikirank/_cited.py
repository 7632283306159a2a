"""Reading the citations in what a chat model writes, whole or piece by piece."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

# "[1]", "[1, 2]", "[1-3]"; longer numbers are years and the like, and none is 0.
_NUMBER = r"[1-9]\d{0,2}"
_MARK = rf"\[\s*{_NUMBER}(?:[\s,;–—-]+{_NUMBER})*\s*\]"
_RANGE_OR_NUMBER = re.compile(rf"({_NUMBER})(?:\s*[–—-]\s*({_NUMBER}))?")
_TOKEN = re.compile(rf"(?P<ticks>`+)|(?P<blank>\n[ \t]*\n)|(?P<space>[ \t]*)(?P<mark>{_MARK})")
# What may yet become one of these, and white space, which may turn out to be the last.
_UNFINISHED = re.compile(r"(?:`+|\s*(?:\[[\s\d,;–—-]{0,40})?)\Z")


def cited_numbers(text: str) -> set[int]:
    """The numbers that a text cites.

    Args:
        text: A chat model's answer.

    Returns:
        Those in brackets, outside code.
    """
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
        unfinished = _UNFINISHED.search(self._held)
        cut = unfinished.start() if unfinished else len(self._held)
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
            if number not in noted:
                noted.append(number)
        if len(kept) == len(numbers):
            return token[0]
        self._dropped_first = not kept and self._at_line_start
        return f"{token['space']}[{', '.join(map(str, kept))}]" if kept else ""


def _numbers(mark: str) -> Iterator[int]:
    for first, last in _RANGE_OR_NUMBER.findall(mark):
        yield from range(int(first), int(last) + 1) if last else (int(first),)

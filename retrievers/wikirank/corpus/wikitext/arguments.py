"""What a template is args."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wikirank.corpus.wikitext.marks import EQUALS


@dataclass(frozen=True, slots=True)
class Arguments:
    """A template's arguments, expanded.

    Attributes:
        positional: Those without a name, in order; `{{a|2=x}}` counts as the second.
        named: The others, by name in lower case; their values are stripped.
    """

    positional: tuple[str, ...]
    named: dict[str, str]

    @classmethod
    def of(cls, parts: Sequence[str]) -> Arguments:
        """Sort the parts between the pipes into positional and named arguments."""
        positional: list[str] = []
        named: dict[str, str] = {}
        for part in parts:
            name, equals, value = part.partition("=")
            name, value = name.strip(), value.replace(EQUALS, "=")
            if not equals or "\n" in name or len(name) > 40:
                positional.append(part.replace(EQUALS, "="))
            elif name.isdecimal() and 0 < int(name) <= len(positional) + 1:
                positional[int(name) - 1 :] = [value, *positional[int(name) :]]
            else:
                named[name.lower()] = value.strip()
        return cls(tuple(positional), named)

    def __getitem__(self, number: int) -> str:
        """The positional argument of that number, from 1, stripped; empty if there is none."""
        return self.positional[number - 1].strip() if number <= len(self.positional) else ""

    def first(self, *names: str) -> str:
        """The first of the named arguments that is there and not empty; else empty."""
        return next((self.named[name] for name in names if self.named.get(name)), "")

    @property
    def filled(self) -> list[str]:
        """The positional arguments that are not empty, stripped."""
        return [text for part in self.positional if (text := part.strip())]

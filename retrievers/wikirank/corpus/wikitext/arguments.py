"""The arguments of a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wikirank.corpus.wikitext.marks import EQUALS


@dataclass(frozen=True, slots=True)
class Arguments:
    """The expanded arguments of a template.

    Attributes:
        positional: Arguments without a name, in order. `{{a|2=x}}` sets the second.
        named: All others, by lower-case name. Values are stripped.
    """

    positional: tuple[str, ...]
    named: dict[str, str]

    @classmethod
    def from_parts(cls, parts: Sequence[str]) -> Arguments:
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
        """Return the positional argument with that number, counted from 1; empty if missing."""
        return self.positional[number - 1].strip() if number <= len(self.positional) else ""

    def first(self, *names: str) -> str:
        """Return the first named argument that is not empty; empty if there is none."""
        return next((self.named[name] for name in names if self.named.get(name)), "")

    @property
    def filled(self) -> list[str]:
        """The positional arguments that are not empty, stripped of white space."""
        return [text for part in self.positional if (text := part.strip())]

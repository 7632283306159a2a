"""What a check of an index found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

_SHOWN = 10

OnCheck = Callable[[str, int], None]


@dataclass(slots=True)
class Check:
    """One check of an index.

    Attributes:
        name: What was looked at.
        unit: What it was counted in.
        seen: How many of these were looked at.
        faults: How many faults there are.
        examples: The first of them, in words.
        note: What a person should know besides; empty if nothing.
        seconds: How long it took.
    """

    name: str
    unit: str
    seen: int = 0
    faults: int = 0
    examples: list[str] = field(default_factory=list)
    note: str = ""
    seconds: float = 0.0

    def fault(self, what: str) -> None:
        """Count a fault, and keep what it is if it is among the first."""
        self.faults += 1
        if len(self.examples) < _SHOWN:
            self.examples.append(what)

    def as_dict(self) -> dict[str, Any]:
        """The check as plain values, for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "seen": self.seen,
            "faults": self.faults,
            "examples": self.examples,
            "note": self.note,
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class Verification:
    """All checks of an index.

    Attributes:
        path: The index's folder.
        checks: The checks, in the order in which they were made.
        advice: What to do about faults, one command or sentence each.
    """

    path: str
    checks: list[Check] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether no check found a fault."""
        return not any(check.faults for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """The checks as plain values, for JSON."""
        return {
            "path": self.path,
            "whole": self.whole,
            "checks": [check.as_dict() for check in self.checks],
            "advice": self.advice,
        }


class CheckList:
    """Makes checks one by one, and times them.

    Args:
        verification: Where they are added.
        on_check: Told the name of a check and how much it has seen, now and then.
    """

    def __init__(self, verification: Verification, on_check: OnCheck | None = None) -> None:
        self._verification = verification
        self._on_check = on_check

    def make(self, name: str, unit: str, look: Callable[[Check], None]) -> Check:
        """Make a check.

        Args:
            name: What is looked at.
            unit: What it is counted in.
            look: Looks, and tells the check what it sees.

        Returns:
            The check.
        """
        check = Check(name, unit)
        self._verification.checks.append(check)
        started = perf_counter()
        if self._on_check:
            self._on_check(name, 0)
        look(check)
        check.seconds = perf_counter() - started
        return check

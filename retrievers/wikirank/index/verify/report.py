"""What a check of an index found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any, Concatenate, ParamSpec

from wikirank.errors import IndexConnectionError, IndexStorageError

_SHOWN = 10

OnCheck = Callable[[str, int], None]
_P = ParamSpec("_P")


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

    name: str = ""
    unit: str = ""
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
        return {**asdict(self), "seconds": round(self.seconds, 3)}


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


@contextmanager
def storage_faults(check: Check) -> Iterator[None]:
    """Count an index that cannot be read as a fault; a server that does not answer is none."""
    try:
        yield
    except IndexConnectionError:
        raise
    except IndexStorageError as err:
        check.fault(str(err))


class CheckList:
    """Makes checks one by one, and times them.

    Args:
        verification: Where they are added.
        on_check: Told the name of a check and how much it has seen, now and then.
    """

    def __init__(self, verification: Verification, on_check: OnCheck | None = None) -> None:
        self._verification = verification
        self._on_check = on_check

    def make(
        self,
        name: str,
        unit: str,
        look: Callable[Concatenate[Check, _P], None],
        *args: _P.args,
        **options: _P.kwargs,
    ) -> bool:
        """Make a check: `look` tells it what it sees; says whether it found no fault."""
        check = Check(name, unit)
        self._verification.checks.append(check)
        started = perf_counter()
        if self._on_check:
            self._on_check(name, 0)
        look(check, *args, **options)
        check.seconds = perf_counter() - started
        return not check.faults

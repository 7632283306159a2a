"""The results of checking an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any, Concatenate, ParamSpec

from wikirank.errors import IndexConnectionError, IndexStorageError

_MAX_EXAMPLES = 10

OnCheck = Callable[[str], None]
_P = ParamSpec("_P")


@dataclass(slots=True)
class Check:
    """The result of one check of an index.

    Attributes:
        name: Part of the index that was checked.
        unit: Unit of `seen`, such as passages.
        seen: Number of units checked.
        faults: Number of faults.
        examples: Descriptions of the first ten faults.
        note: A remark for the user; "" if none.
        seconds: Duration of the check.
    """

    name: str = ""
    unit: str = ""
    seen: int = 0
    faults: int = 0
    examples: list[str] = field(default_factory=list)
    note: str = ""
    seconds: float = 0.0

    def fault(self, what: str) -> None:
        """Count a fault, and keep its description if it is among the first ten."""
        self.faults += 1
        if len(self.examples) < _MAX_EXAMPLES:
            self.examples.append(what)

    def as_dict(self) -> dict[str, Any]:
        """Return the check as plain values, for JSON."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


@dataclass(slots=True)
class Verification:
    """The results of all checks of an index.

    Attributes:
        path: Folder of the index.
        checks: The checks, in the order in which they ran.
        advice: Commands or sentences that tell how to repair the faults.
    """

    path: str
    checks: list[Check] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether no check found a fault."""
        return not any(check.faults for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """Return the checks as plain values, for JSON."""
        return {
            "path": self.path,
            "whole": self.whole,
            "checks": [check.as_dict() for check in self.checks],
            "advice": self.advice,
        }


@contextmanager
def storage_faults(check: Check) -> Iterator[None]:
    """Count an index that cannot be read as a fault; connection errors are raised."""
    try:
        yield
    except IndexConnectionError:
        raise
    except IndexStorageError as err:
        check.fault(str(err))


class CheckList:
    """Runs checks one by one and times them.

    Args:
        verification: The results are added to it.
        on_check: Called with the name of each check when it begins.
    """

    def __init__(self, verification: Verification, on_check: OnCheck | None = None) -> None:
        self._verification = verification
        self._on_check = on_check

    def run(
        self,
        name: str,
        unit: str,
        function: Callable[Concatenate[Check, _P], None],
        *args: _P.args,
        **options: _P.kwargs,
    ) -> bool:
        """Run a check function and return whether it found no faults."""
        check = Check(name, unit)
        self._verification.checks.append(check)
        started = perf_counter()
        if self._on_check:
            self._on_check(name)
        function(check, *args, **options)
        check.seconds = perf_counter() - started
        return not check.faults

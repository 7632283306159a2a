"""The redirects of a ZIM file, by the article they lead to."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

_LONGEST_CHAIN = 8


class Redirects:
    """Eight bytes a redirect: the entry that it leads to, and its own.

    Args:
        archive: libzim's archive, open.
        entries: Numbers of the entries to look at.
    """

    def __init__(self, archive: Any, entries: Iterable[int]) -> None:
        import numpy as np

        self._archive = archive
        self.dangling = 0
        targets, sources = array("I"), array("I")
        for number in entries:
            entry = archive._get_entry_by_id(number)
            if not entry.is_redirect:
                continue
            target = _article(entry)
            if target is None:
                self.dangling += 1
            else:
                targets.append(target)
                sources.append(number)
        numbers = np.frombuffer(targets, dtype=np.uintc) if targets else np.empty(0, np.uintc)
        order = np.argsort(numbers, kind="stable")
        self._targets = numbers[order]
        self._sources = np.array(sources, dtype=np.uintc)[order]

    def titles(self, target: int) -> list[str]:
        """Titles of the redirects that lead to an entry, each once, in the file's order."""
        first, end = self._targets.searchsorted([target, target + 1])
        numbers = self._sources[first:end].tolist()
        return list(dict.fromkeys(self._archive._get_entry_by_id(n).title for n in numbers))


def _article(entry: Any) -> int | None:
    """Number of the entry that a redirect leads to in the end; None if it leads round or astray."""
    for _ in range(_LONGEST_CHAIN):
        try:
            entry = entry.get_redirect_entry()
        except (RuntimeError, LookupError):
            return None
        if not entry.is_redirect:
            return int(entry._index)
    return None

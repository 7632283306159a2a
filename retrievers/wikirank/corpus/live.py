"""A wiki that is asked for a few pages instead of being indexed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wikirank.types import Article


@dataclass(frozen=True, slots=True)
class FoundPages:
    """Pages that a wiki's own search found.

    Attributes:
        articles: Their texts, best first.
        notes: What was left out, and why: a wiki that was too slow, a page that was too long.
    """

    articles: list[Article]
    notes: list[str] = field(default_factory=list)


class LiveWiki(Protocol):
    """A wiki that can be searched by its own search."""

    @property
    def name(self) -> str:
        """What citations call it."""
        ...

    def find_pages(self, phrases: Sequence[str], limit: int, deadline: float) -> FoundPages:
        """Find pages and read them.

        Args:
            phrases: What to look for, the most telling first.
            limit: How many pages to read at most.
            deadline: When to stop, by `time.monotonic`; what has been read by then is returned.

        Returns:
            The pages; none where nothing is found.

        Raises:
            CorpusError: The wiki cannot be read at all.
        """
        ...

"""Sources that can tell what changed, and need not be read as a whole again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from wikirank.types import Article


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An article that is as the index has it, or that cannot be read now: it stays.

    Attributes:
        key: Its key: its address, or its title where it has none.
    """

    key: str


@dataclass(frozen=True, slots=True)
class Removed:
    """An article that is gone: deleted, or under another title now.

    Attributes:
        key: Its key: its address, or its title where it has none.
    """

    key: str


class Known(Protocol):
    """What an index has of a source."""

    @property
    def state(self) -> str:
        """What the source's `state` was after the last run that came to its end; "" if none."""
        ...

    def versions(self, keys: Sequence[str]) -> dict[str, str]:
        """The recorded `version` of those of the articles that are indexed and have one."""
        ...

    def titles_with_alias(self, aliases: Sequence[str]) -> list[str]:
        """Titles of the indexed articles with one of the aliases in their metadata."""
        ...


class NothingKnown:
    """What an index that is new has of a source."""

    state = ""

    def versions(self, keys: Sequence[str]) -> dict[str, str]:
        """None."""
        del keys
        return {}

    def titles_with_alias(self, aliases: Sequence[str]) -> list[str]:
        """None."""
        del aliases
        return []


@runtime_checkable
class ChangingSource(Protocol):
    """A source that an index reads by what changed since it did last."""

    def changes(self, known: Known) -> Iterator[Article | Unchanged | Removed]:
        """Read what the index lacks; no key comes twice.

        Args:
            known: What the index has.

        Returns:
            Articles that are new or may have changed, and those that are unchanged or gone.
        """
        ...

    @property
    def complete(self) -> bool:
        """Whether the changes, once read, named all articles: what else the index has, goes."""
        ...

    @property
    def state(self) -> str:
        """What `Known.state` is to be the next time, once the changes are read; "" to keep it."""
        ...

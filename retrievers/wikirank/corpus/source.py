"""Protocols of sources: read whole, in shards, or by what changed since the last run."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from wikirank.types import Article


class Source(Protocol):
    """A named collection of articles that can be read repeatedly, in the same order.

    A source may have an attribute `is_named`, true if the user gave its name. It then replaces the
    indexed source with the same name, even if that one had another location.
    """

    @property
    def name(self) -> str:
        """Name of the source in the index."""
        ...

    @property
    def location(self) -> str:
        """Absolute path, URL or package name: distinguishes two sources with the same name."""
        ...

    @property
    def skipped(self) -> Mapping[str, int]:
        """Number of pages skipped by the last iteration, so far, by reason."""
        ...

    def __iter__(self) -> Iterator[Article]:
        """Read the articles one by one; raises CorpusError for what cannot be read."""
        ...

    def count(self) -> int | None:
        """Return the number of articles if that is cheap to know, otherwise None."""
        ...


class Shard(Protocol):
    """A part of a source; it can be pickled, to be read in another process."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """Number of pages skipped by the last iteration, by reason."""
        ...

    def __iter__(self) -> Iterator[Article]:
        """Read the articles one by one."""
        ...


@runtime_checkable
class DividedSource(Protocol):
    """A source that can be read in shards."""

    def shards(self) -> Iterable[Shard]:
        """Return the shards; read in order, they yield the source's articles in its order.

        The source's own `skipped` then covers only what belongs to no shard, such as a missing
        file.
        """
        ...


class RawArticle(Protocol):
    """An article before parsing; it can be pickled."""

    @property
    def text(self) -> str:
        """The unparsed text, by whose length batches are sized."""
        ...


@runtime_checkable
class RawSource(Shard, Protocol):
    """A source that one process reads and several processes parse."""

    @property
    def location(self) -> str:
        """See `Source.location`."""
        ...

    def read_raw(self) -> Generator[RawArticle, None, None]:
        """Read the articles without parsing them, which is cheap."""
        ...

    def parse(self, raw: Any) -> Article:
        """Parse one of this source's raw articles, which is most of the work."""
        ...


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An article that has not changed or cannot be read now: the index keeps it.

    Attributes:
        key: The article's URL, or its title if it has no URL.
    """

    key: str


@dataclass(frozen=True, slots=True)
class Removed:
    """An article that was deleted or renamed: the index drops it.

    Attributes:
        key: The article's URL, or its title if it has no URL.
    """

    key: str


class Known(Protocol):
    """What an index holds of a source."""

    @property
    def state(self) -> str:
        """The source's `state` after the last complete run; "" if there was none."""
        ...

    def versions(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the `version` of each of these articles that is indexed and has one."""
        ...

    def titles_with_alias(self, aliases: Sequence[str]) -> list[str]:
        """Return titles of indexed articles with any of these aliases in their metadata."""
        ...


class NothingKnown:
    """A `Known` for an empty index."""

    state = ""

    def versions(self, keys: Sequence[str]) -> dict[str, str]:
        """Return no versions."""
        del keys
        return {}

    def titles_with_alias(self, aliases: Sequence[str]) -> list[str]:
        """Return no titles."""
        del aliases
        return []


@runtime_checkable
class ChangingSource(Protocol):
    """A source that can tell what changed since an index last read it."""

    def changes(self, known: Known) -> Iterator[Article | Unchanged | Removed]:
        """Read what the index lacks; each key is yielded once.

        Args:
            known: What the index holds of this source.

        Returns:
            New and possibly changed articles, and the keys of unchanged and removed ones.
        """
        ...

    @property
    def complete(self) -> bool:
        """Whether the last `changes` covered all articles: the index drops all others."""
        ...

    @property
    def state(self) -> str:
        """The `Known.state` for the next run, set once `changes` ends; "" to keep the old one."""
        ...

"""What a source of articles is: read whole, in parts, or by what changed since the last run."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from wikirank.types import Article


class Source(Protocol):
    """A named collection of articles that can be read again and again, in the same order.

    One with an attribute `is_named` that is true, as its name was given rather than made of its
    place, takes the place of the source of that name wherever that lay.
    """

    @property
    def name(self) -> str:
        """What the index calls this source."""
        ...

    @property
    def location(self) -> str:
        """Absolute path, address or package name: tells two sources of one name apart."""
        ...

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many pages the last reading passed over, by reason; it may still go on."""
        ...

    def __iter__(self) -> Iterator[Article]:
        """Read the articles one by one; raises CorpusError for what cannot be read."""
        ...

    def count(self) -> int | None:
        """Number of articles if that is cheap to know, else None."""
        ...


class Shard(Protocol):
    """A piece of a source, read where it is wanted; it can be pickled."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many pages the last reading passed over, by reason."""
        ...

    def __iter__(self) -> Iterator[Article]:
        """Read its articles."""
        ...


@runtime_checkable
class DividedSource(Protocol):
    """A source that can be read in parts."""

    def shards(self) -> Iterable[Shard]:
        """Its parts; read one after the other they give its articles in its order.

        What is to be said of the source as a whole is in its own `skipped` then.
        """
        ...


class RawArticle(Protocol):
    """What an article is made of; it can be pickled."""

    @property
    def text(self) -> str:
        """The most of it."""
        ...


@runtime_checkable
class RawSource(Shard, Protocol):
    """A source that is read by one process, but has its articles made by others."""

    @property
    def location(self) -> str:
        """As of any source."""
        ...

    def read_raw(self) -> Generator[RawArticle, None, None]:
        """What its articles are made of, one by one; cheap to read."""
        ...

    def parse(self, raw: Any) -> Article:
        """The article of a `RawArticle` of this source; that is most of the work."""
        ...


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

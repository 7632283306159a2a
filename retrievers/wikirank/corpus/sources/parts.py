"""What lets several machines share the work on one source."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from wikirank.types import Article


class Part(Protocol):
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

    def parts(self) -> Iterable[Part]:
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
class RawSource(Part, Protocol):
    """A source that is read by one process, but has its articles made by others."""

    @property
    def location(self) -> str:
        """As of any source."""
        ...

    def raw(self) -> Generator[RawArticle, None, None]:
        """What its articles are made of, one by one; cheap to read."""
        ...

    def article(self, raw: Any) -> Article:
        """The article of a `RawArticle` of this source; that is most of the work."""
        ...

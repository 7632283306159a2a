"""Small helpers that belong to no one folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Self, TypeVar


class Closing(ABC):
    """Base of what is its own context manager, and is closed by it."""

    @abstractmethod
    def close(self) -> None:
        """Give what is held open free."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


_Item = TypeVar("_Item")


def chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Cut an iterable in lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def counted(number: int, noun: str, plural: str = "") -> str:
    """How many of something there are, in good grammar: `1 article`, `2 articles`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_rust_panic(err: BaseException) -> bool:
    """Whether an extension in Rust panicked, as on a damaged file: no Exception, nor public."""
    return type(err).__name__ == "PanicException"

"""What is closed at the end of a `with` block."""

from __future__ import annotations

from abc import ABC, abstractmethod

from typing_extensions import Self


class Closing(ABC):
    """Base of what is its own context manager, and is closed by it."""

    @abstractmethod
    def close(self) -> None:
        """Give what is held open free."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

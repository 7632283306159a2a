"""What a user may ask of a source besides its place; each kind of source takes some of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Literal

from wikirank.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """Options of sources; None and empty ones are not given.

    Attributes:
        titles: Only these pages of a wiki.
        category: Only the pages of this category of a wiki.
        depth: How many levels of categories within that one, too; 0 (the default) for none.
        namespaces: Numbers of a wiki's or dump's namespaces to take; the default is 0, articles.
        since: Only what changed since `last`, the run before, or since a moment in ISO 8601.
        text: `rendered` (the default) reads pages as the wiki shows them; `wikitext` is faster.
        user: User of a private wiki, such as `Anna@indexing`.
        password: The bot password that goes with it.
        token: OAuth 2 access token for a private wiki.
        contact: Mail address or page of whoever runs this, for the user agent.
        allow_http: Whether credentials may go unencrypted to another machine.
    """

    titles: tuple[str, ...] = ()
    category: str | None = None
    depth: int | None = None
    namespaces: tuple[int, ...] = ()
    since: str | None = None
    text: Literal["rendered", "wikitext"] | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    contact: str | None = None
    allow_http: bool = False

    def given(self) -> list[str]:
        """Names of the options that are given, in order."""
        return [item.name for item in fields(self) if getattr(self, item.name) != item.default]

    def expect_only(self, allowed: Iterable[str], kind: str) -> None:
        """Refuse options that a kind of source does not take.

        Args:
            allowed: Names of those it takes.
            kind: What it is called, for the message.

        Raises:
            InvalidArgumentError: If another is given.
        """
        taken = set(allowed)
        others = [name for name in self.given() if name not in taken]
        if others:
            expected = ", ".join(sorted(taken)) or "none"
            msg = (
                f"{kind} takes the options {expected}; got {', '.join(others)} too, which "
                "belongs to a MediaWiki. Leave it out, or index the sources one by one."
            )
            raise InvalidArgumentError(msg)

"""Options of sources. Each kind of source accepts some of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Literal

from wikirank.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """Options of sources. None and empty values count as not set.

    Attributes:
        titles: Read only these pages of a wiki.
        category: Read only the pages in this category of a wiki.
        depth: Levels of sub-categories to read too; 0 (the default) for none.
        namespaces: Numbers of the namespaces of a wiki or dump to read; by default only 0, the
            articles.
        since: Read only what changed since then: `last` for the last run, or a time in ISO 8601.
        text: `rendered` (the default) reads pages as the wiki shows them; `wikitext` is faster.
        user: User of a private wiki, such as `Anna@indexing`.
        password: Bot password of this user.
        token: OAuth 2 access token for a private wiki.
        contact: Your mail address or web page, for the user agent.
        allow_http: Whether credentials may be sent unencrypted to another machine.
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
        """Return the names of the options that are set, in order."""
        return [item.name for item in fields(self) if getattr(self, item.name) != item.default]

    def expect_only(self, allowed: Iterable[str], spec: str) -> None:
        """Check that only supported options are set.

        Args:
            allowed: Names of the options that the source supports.
            spec: The source as the user named it, for the message.

        Raises:
            InvalidArgumentError: If another option is set.
        """
        supported = set(allowed)
        others = [name for name in self.given() if name not in supported]
        if others:
            names = ", ".join(sorted(supported))
            expected = f"only the options {names}" if names else "no options"
            msg = (
                f"Expected {expected} for {spec}, got {', '.join(others)} too. Options of a "
                "MediaWiki fit no other source: leave them out, or index the sources one by one."
            )
            raise InvalidArgumentError(msg)

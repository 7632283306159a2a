"""Who reads a private wiki: a user with a bot password, or the bearer of an OAuth 2 token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from wikirank.errors import InvalidArgumentError

USER_VARIABLE = "WIKIRANK_MEDIAWIKI_USER"
PASSWORD_VARIABLE = "WIKIRANK_MEDIAWIKI_PASSWORD"
TOKEN_VARIABLE = "WIKIRANK_MEDIAWIKI_TOKEN"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a wiki is shown; neither secret is part of the representation.

    Attributes:
        user: Name to log in with, such as `Anna@indexing`; empty for none.
        password: The bot password that goes with it.
        token: OAuth 2 bearer token; empty for none.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.user or self.token)


def find_credentials(
    user: str | None = None,
    password: str | None = None,
    token: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Credentials:
    """Take what is given, and the rest from the environment.

    Args:
        user: User name; None takes `WIKIRANK_MEDIAWIKI_USER`.
        password: Its bot password; None takes `WIKIRANK_MEDIAWIKI_PASSWORD`.
        token: OAuth 2 bearer token; None takes `WIKIRANK_MEDIAWIKI_TOKEN`.
        environment: The variables; None takes those of this process.

    Returns:
        The credentials; none at all for a wiki that anyone may read.

    Raises:
        InvalidArgumentError: If a user has no password, a password no user, there are both a user
            and a token, or a token that cannot stand in a header.
    """
    variables = os.environ if environment is None else environment
    user = variables.get(USER_VARIABLE, "") if user is None else user
    password = variables.get(PASSWORD_VARIABLE, "") if password is None else password
    token = variables.get(TOKEN_VARIABLE, "") if token is None else token
    if bool(user) != bool(password):
        there, lacking = ("user", "password") if user else ("password", "user")
        variable = PASSWORD_VARIABLE if user else USER_VARIABLE
        msg = (
            f"A MediaWiki {there} is given, but no {lacking}: set {variable}. "
            "Special:BotPasswords of the wiki makes both."
        )
        raise InvalidArgumentError(msg)
    if user and token:
        msg = "A MediaWiki user and a token are given: expected one of them. Leave the other out."
        raise InvalidArgumentError(msg)
    if not (token.isascii() and token.isprintable() and " " not in token):
        msg = f"Expected {TOKEN_VARIABLE} to be printable ASCII without spaces."
        raise InvalidArgumentError(msg)
    return Credentials(user, password, token)

"""Credentials for a private wiki: a user with a bot password, or an OAuth 2 token."""

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
    """Credentials for one wiki; the secrets are not part of the repr.

    Attributes:
        user: User name, such as `Anna@indexing`; empty for none.
        password: Bot password of this user.
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
    """Complete credentials from the environment.

    Args:
        user: User name; None uses `WIKIRANK_MEDIAWIKI_USER`.
        password: Bot password; None uses `WIKIRANK_MEDIAWIKI_PASSWORD`.
        token: OAuth 2 bearer token; None uses `WIKIRANK_MEDIAWIKI_TOKEN`.
        environment: Environment variables; None uses those of this process.

    Returns:
        The credentials; all empty for a public wiki.

    Raises:
        InvalidArgumentError: If only one of user and password is set, if both a user and a token
            are set, or if the token cannot be sent in a header.
    """
    variables = os.environ if environment is None else environment
    user = variables.get(USER_VARIABLE, "") if user is None else user
    password = variables.get(PASSWORD_VARIABLE, "") if password is None else password
    token = variables.get(TOKEN_VARIABLE, "") if token is None else token
    if bool(user) != bool(password):
        got, missing = ("user", "password") if user else ("password", "user")
        variable = PASSWORD_VARIABLE if user else USER_VARIABLE
        msg = (
            f"Expected a MediaWiki user and password, got a {got} without a {missing}. Set "
            f"{variable}. The wiki's page Special:BotPasswords makes both."
        )
        raise InvalidArgumentError(msg)
    if user and token:
        msg = "Expected a MediaWiki user or a token, got both. Leave one out."
        raise InvalidArgumentError(msg)
    if not (token.isascii() and token.isprintable() and " " not in token):
        msg = f"Expected {TOKEN_VARIABLE} to be printable ASCII without spaces. Copy it again."
        raise InvalidArgumentError(msg)
    return Credentials(user, password, token)

"""The check that what an extra brings is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from wikirank.errors import MissingExtraError


def require_extra(extra: str, what: str, modules: Sequence[str]) -> None:
    """Raise unless the packages of an extra are there; imports none of them.

    Args:
        extra: Name of the extra.
        what: What needs it, for the message.
        modules: Top-level modules of its packages.

    Raises:
        MissingExtraError: If one is not installed.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        msg = (
            f"{what} needs {', '.join(missing)}, which is not installed: "
            f'pip install "langchain-wikirank[{extra}]"'
        )
        raise MissingExtraError(msg)

"""Check that the packages of an optional extra are installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from wikirank.errors import MissingExtraError


def require_extra(extra: str, what: str, modules: Sequence[str]) -> None:
    """Raise if a package of an extra is missing. Imports none of them.

    Args:
        extra: Name of the extra.
        what: The feature that needs it, for the message.
        modules: Top-level modules of the extra's packages.

    Raises:
        MissingExtraError: If a package is not installed.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        msg = (
            f"{what} needs {', '.join(missing)}, which is not installed. "
            f'Run: pip install "langchain-wikirank[{extra}]"'
        )
        raise MissingExtraError(msg)

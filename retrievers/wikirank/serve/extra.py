"""The check that the `[serve]` extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

from wikirank.errors import MissingExtraError

_MODULES = ("fastapi", "uvicorn")


def require_serve_extra() -> None:
    """Raise unless the packages of the `[serve]` extra are there; imports none of them.

    Raises:
        MissingExtraError: One is not installed.
    """
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        msg = (
            f"the page needs {', '.join(missing)}, which is not installed: "
            'pip install "langchain-wikirank[serve]"'
        )
        raise MissingExtraError(msg)

"""The check that the `[mcp]` extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

from wikirank.errors import MissingExtraError


def require_mcp_extra() -> None:
    """Raise unless the packages of the `[mcp]` extra are there; imports none of them.

    Raises:
        MissingExtraError: One is not installed.
    """
    missing = [name for name in ("mcp", "uvicorn") if find_spec(name) is None]
    if missing:
        msg = (
            f"the MCP server needs {', '.join(missing)}, which is not installed: "
            'pip install "langchain-wikirank[mcp]"'
        )
        raise MissingExtraError(msg)

"""The check that the `mcp` package is there, in a version that we know; imports nothing."""

from __future__ import annotations

from importlib.metadata import version

from wikirank._extras import require_extra
from wikirank.errors import MissingExtraError

_MODULES = ("mcp", "uvicorn")
_MAJOR = "2"


def require_mcp() -> None:
    """Raise unless a version of the official `mcp` package is installed that we know.

    Raises:
        MissingExtraError: There is none, or another major version.
    """
    require_extra("mcp", "The MCP server", _MODULES)
    installed = version("mcp")
    if installed.partition(".")[0] != _MAJOR:
        msg = (
            f"Expected version {_MAJOR} of the package mcp, got {installed}. "
            'pip install -U "langchain-wikirank[mcp]"'
        )
        raise MissingExtraError(msg)

"""Check that a supported version of the `mcp` package is installed, without importing it."""

from __future__ import annotations

from importlib.metadata import version

from wikirank._extras import require_extra
from wikirank.errors import MissingExtraError

_MODULES = ("mcp", "uvicorn")
_MAJOR = "2"


def require_mcp() -> None:
    """Raise MissingExtraError if `mcp` is missing or has an unsupported major version."""
    require_extra("mcp", "The MCP server", _MODULES)
    installed = version("mcp")
    if installed.partition(".")[0] != _MAJOR:
        msg = (
            f"Expected version {_MAJOR} of the package mcp, got {installed}. Run: "
            'pip install -U "langchain-wikirank[mcp]"'
        )
        raise MissingExtraError(msg)

"""The `wikirank` command line: the engine's commands and those that need LangChain.

The latter are added here because the engine does not import LangChain.
"""

from __future__ import annotations

from langchain_wikirank.cli import mcp
from wikirank.cli import app, main

__all__ = ["app", "main"]

app.command("mcp")(mcp.command)

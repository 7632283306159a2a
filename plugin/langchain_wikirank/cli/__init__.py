"""The command `wikirank` as it is installed: the engine's commands, and those that need LangChain.

A command is added here rather than in the engine because the engine imports no LangChain.
"""

from __future__ import annotations

from langchain_wikirank.cli import mcp
from wikirank.cli import app, main

__all__ = ["app", "main"]

app.command("mcp")(mcp.command)

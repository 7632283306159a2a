"""Call the wiki tools over the Model Context Protocol, as Claude Desktop or an IDE does.

Run: python examples/06_mcp_client.py

Requires `pip install "langchain-wikirank[mcp]"`. To start the same server from an MCP client, add
this to its settings:

    {"mcpServers": {"wiki": {"command": "wikirank", "args": ["mcp", "--index", "/path/to/index"]}}}
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from langchain_wikirank import WikiRetriever

QUESTION = "How often does Halley's Comet come back?"
TEXTS = [
    "Halley's Comet returns every 75 to 77 years. It was last seen from the Earth in 1986.",
    "The nucleus of Halley's Comet is about 15 kilometres long and 8 kilometres wide.",
    "A meteor shower is seen when the Earth crosses the dust that a comet has left.",
]
METADATAS = [
    {"title": "Halley's Comet", "section": "", "url": "https://w.org/Halley"},
    {"title": "Halley's Comet", "section": "Nucleus", "url": "https://w.org/Halley#Nucleus"},
    {"title": "Meteor shower", "section": "", "url": "https://w.org/Meteor_shower"},
]


async def ask(index: Path) -> None:
    """Start the server, list its tools and ask one question."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "langchain_wikirank", "mcp", "--index", str(index)],
        env=dict(os.environ),
    )
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
        print(f"Tools: {', '.join(tool.name for tool in tools)}\n")
        result = await client.call_tool("wiki_search", {"query": QUESTION, "k": 2})
    print(f"What a chat model reads of {QUESTION!r}:\n")
    for content in result.content:
        if isinstance(content, TextContent):
            print(content.text)
    print("\nWhat a program reads:\n")
    for passage in (result.structured_content or {})["documents"]:
        print(
            f"[{passage['citation']}] {passage['title']}  {passage['score']:.3f}  {passage['url']}"
        )


def main() -> None:
    """Build an index of three passages and serve it for one question."""
    with TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        WikiRetriever.from_texts(TEXTS, metadatas=METADATAS, path=index).index.close()
        asyncio.run(ask(index))


if __name__ == "__main__":
    main()

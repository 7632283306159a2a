"""The MCP server's parts: LangChain tools as MCP tools, and the two transports."""

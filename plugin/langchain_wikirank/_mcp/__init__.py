"""Parts of the MCP server: tools, resources, prompts and the two transports."""

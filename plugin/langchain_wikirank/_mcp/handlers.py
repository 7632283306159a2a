"""Request handlers of the MCP server."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from langchain_core.tools import BaseTool
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

import wikirank
from langchain_wikirank._async import read_in_worker
from langchain_wikirank._mcp.prompts import ANSWER, get_prompt
from langchain_wikirank._mcp.resources import TEMPLATE, list_resources, read_resource
from langchain_wikirank._mcp.tools import as_mcp_tool, call_langchain_tool
from wikirank.search.reader import PageReader

_Context = ServerRequestContext[Any]
_SESSION_HEADER = "mcp-session-id"
_STDIO = "stdio"


def make_server(
    reader: PageReader, tools: Mapping[str, BaseTool], instructions: str
) -> Server[dict[str, Any]]:
    """Make a server that can run over any transport.

    Args:
        reader: Gives access to the pages of the wiki.
        tools: LangChain tools by name.
        instructions: Instructions for the model on how to use the tools.

    Returns:
        The server.
    """

    async def list_tools(_: _Context, __: object) -> types.ListToolsResult:
        keys = await read_in_worker(lambda: reader.filter_keys)
        return types.ListToolsResult(tools=[as_mcp_tool(tool, keys) for tool in tools.values()])

    async def call_tool(
        context: _Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        return await call_langchain_tool(
            tools, params.name, params.arguments or {}, session_id(context)
        )

    async def resources(
        _: _Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return await read_in_worker(list_resources, reader, params.cursor if params else None)

    async def templates(_: _Context, __: object) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=[TEMPLATE])

    async def read(
        _: _Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        return await read_in_worker(read_resource, reader, params.uri)

    async def prompts(_: _Context, __: object) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[ANSWER])

    async def prompt(_: _Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        return get_prompt(params.name, params.arguments or {})

    return Server(
        "wikirank",
        version=wikirank.__version__,
        instructions=instructions,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=resources,
        on_list_resource_templates=templates,
        on_read_resource=read,
        on_list_prompts=prompts,
        on_get_prompt=prompt,
    )


def session_id(context: _Context) -> str:
    """Return the session whose citation numbers a request continues.

    Over standard input there is only one client. Over HTTP a session has an id, but since protocol
    2026-07-28 there are no sessions, so each call gets its own numbers.
    """
    if context.request is None:
        return _STDIO
    return context.request.headers.get(_SESSION_HEADER) or uuid.uuid4().hex

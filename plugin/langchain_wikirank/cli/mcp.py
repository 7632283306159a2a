"""`wikirank mcp`: serve the wiki tools over the Model Context Protocol."""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langchain_wikirank._async import finish_workers, start_in_worker
from langchain_wikirank._evidence.selection import (
    DEFAULT_MIN_SCORE,
    DEFAULT_TOKEN_BUDGET,
    MIN_TOKEN_BUDGET,
)
from wikirank._server import check_token, open_socket
from wikirank.cli.options import DeviceOption, ModelOption, RevisionOption, chosen_reranker
from wikirank.cli.targets import (
    OptionalIndexOption,
    WikiOption,
    ZimOption,
    check_one_target,
    open_live,
)
from wikirank.errors import WikirankError

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from starlette.applications import Starlette

    from langchain_wikirank import WikiReranker
    from langchain_wikirank._base_retriever import BaseWikiRetriever

TOKEN_VARIABLE = "WIKIRANK_MCP_TOKEN"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


class TransportChoice(StrEnum):
    """How clients connect to the server."""

    stdio = "stdio"
    http = "http"


def command(
    index: OptionalIndexOption = None,
    wiki: WikiOption = None,
    zim: ZimOption = None,
    transport: Annotated[
        TransportChoice,
        typer.Option(help="`stdio`: the client starts the server; `http`: clients connect by URL."),
    ] = TransportChoice.stdio,
    host: Annotated[str, typer.Option(help="Address to listen on over HTTP.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any.")
    ] = 8766,
    token: Annotated[
        str | None,
        typer.Option(
            envvar=TOKEN_VARIABLE,
            show_default=False,
            help="Token that HTTP clients must send. Prefer the environment variable, because "
            "other users of the machine can see the option. By default, a random token is printed.",
        ),
    ] = None,
    allowed_hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-host", help="Another name by which clients may reach the host; repeatable."
        ),
    ] = None,
    session_idle: Annotated[
        float, typer.Option(min=0.01, help="Minutes after which an idle HTTP session ends.")
    ] = 30.0,
    token_budget: Annotated[
        int | None,
        typer.Option(
            min=MIN_TOKEN_BUDGET,
            help=f"Maximum number of tokens of one answer; {DEFAULT_TOKEN_BUDGET} by default.",
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help=f"Minimum relevance score; {DEFAULT_MIN_SCORE} by default."
        ),
    ] = None,
    model: ModelOption = None,
    revision: RevisionOption = None,
    device: DeviceOption = None,
) -> None:
    """Serve the wiki to MCP clients: tools to search, read, find and list; pages as resources.

    Examples:
    - `wikirank mcp --index my-index`

    - `wikirank mcp --wiki https://en.wikipedia.org`

    - `WIKIRANK_MCP_TOKEN=… wikirank mcp --index my-index --transport http`
    """
    check_one_target(index, wiki, zim)
    over_http = transport is TransportChoice.http
    if over_http:
        check_token(host, token, hint=f"Set {TOKEN_VARIABLE}")
    from langchain_wikirank import WikiReranker, create_mcp_server
    from langchain_wikirank._mcp.installed import require_mcp

    require_mcp()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    name, version = chosen_reranker(model, revision, index)
    reranker = WikiReranker(model=name, revision=version, device=device)
    options = {"token_budget": token_budget, "min_score": min_score}
    settings = {name: value for name, value in options.items() if value is not None}
    with _retriever(index, wiki, zim, reranker) as retriever:
        server = create_mcp_server(retriever, **settings)
        try:
            if over_http:
                hosts = [*LOOPBACK_HOSTS, host, *(allowed_hosts or [])]
                app = partial(_http_app, server, hosts, session_idle * 60)
                _serve_http(app, retriever, host, port, token)
            else:
                _serve_stdio(server, retriever)
        finally:
            finish_workers()


@contextmanager
def _retriever(
    index: Path | None, wiki: str | None, zim: Path | None, reranker: WikiReranker
) -> Iterator[BaseWikiRetriever]:
    """Open a retriever over the index, wiki or ZIM file, and close it at the end."""
    from langchain_wikirank import LiveWikiRetriever, WikiRetriever

    if index is not None:
        retriever = WikiRetriever.from_index(index, reranker=reranker)
        with retriever.index:
            yield retriever
        return
    with open_live(wiki, zim) as live:
        yield LiveWikiRetriever(wiki=live, reranker=reranker)


def _serve_stdio(server: Server[Any], retriever: BaseWikiRetriever) -> None:
    import asyncio

    from langchain_wikirank._mcp.transports import serve_stdio

    _warm_up(retriever)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_stdio(server))


def _http_app(server: Server[Any], hosts: list[str], idle_seconds: float, token: str) -> Starlette:
    from langchain_wikirank._mcp.transports import http_app

    return http_app(server, token, hosts, idle_seconds=idle_seconds)


def _serve_http(
    app: Callable[[str], Starlette],
    retriever: BaseWikiRetriever,
    host: str,
    port: int,
    token: str | None,
) -> None:
    """Serve the application over HTTP, with a random token if there is none."""
    from langchain_wikirank._mcp.transports import PATH, serve_http

    with open_socket(host, port) as sock:
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{sock.getsockname()[1]}{PATH}"
        typer.echo(f"MCP server at {url}; Ctrl-C ends it.", err=True)
        if token is None:
            token = secrets.token_urlsafe()
            typer.echo(f"Clients must send this header: Authorization: Bearer {token}", err=True)
        _warm_up(retriever)
        serve_http(app(token), sock)


def _warm_up(retriever: BaseWikiRetriever) -> None:
    """Load the models in the background, so that no client waits for them."""

    def warm_up() -> None:
        try:
            retriever.warm_up()
        except WikirankError as err:
            typer.echo(f"Searches will fail: {err}", err=True)

    start_in_worker(warm_up)

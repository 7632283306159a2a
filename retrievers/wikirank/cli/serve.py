"""`wikirank serve`: a web page and an HTTP API for an index."""

from __future__ import annotations

import threading
import webbrowser
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from wikirank.cli.demo import QUESTIONS
from wikirank.cli.options import (
    DeviceOption,
    MaxLengthOption,
    ModelOption,
    RevisionOption,
    chosen_reranker,
)
from wikirank.cli.targets import OptionalIndexOption, WikiOption, ZimOption, open_searcher
from wikirank.errors import InvalidArgumentError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from wikirank.index import WikiIndex
    from wikirank.rank import CrossEncoder
    from wikirank.search.pipeline import CandidateReranker

TOKEN_VARIABLE = "WIKIRANK_TOKEN"


def command(
    index: OptionalIndexOption = None,
    wiki: WikiOption = None,
    zim: ZimOption = None,
    rerank_only: Annotated[
        bool,
        typer.Option(
            "--rerank-only", help="Only rerank passages that clients send: no index, no page."
        ),
    ] = False,
    host: Annotated[
        str,
        typer.Option(help="Host name or address to listen on; other than loopback needs --token."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 chooses a free port.")
    ] = 8765,
    token: Annotated[
        str | None,
        typer.Option(envvar=TOKEN_VARIABLE, help="Token that clients must send."),
    ] = None,
    allowed_hosts: Annotated[
        list[str] | None,
        typer.Option("--allowed-host", help="Another host name that clients may use. Repeatable."),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = True,
    model: ModelOption = None,
    revision: RevisionOption = None,
    device: DeviceOption = None,
    max_length: MaxLengthOption = None,
) -> None:
    """Serve a web page that shows results before and after reranking. Stop it with Ctrl-C.

    The server also has an HTTP API, described at /openapi.json: /api/search; /v1/rerank and
    /v2/rerank for clients of Cohere and Jina; /retrieval for Dify; /healthz and /metrics. Needs
    the [serve] extra.

    Examples:
    - `wikirank serve --index my-index`

    - `wikirank serve --wiki https://en.wikipedia.org`

    - `wikirank serve --rerank-only --no-open`

    - `WIKIRANK_TOKEN=... wikirank serve --index my-index --host 0.0.0.0 --no-open`
    """
    from wikirank._extras import require_extra
    from wikirank._server import check_token, open_socket

    require_extra("serve", "wikirank serve", ("fastapi", "uvicorn"))
    check_token(host, token, hint=f"Set {TOKEN_VARIABLE}")
    count = sum(target is not None for target in (index, wiki, zim)) + rerank_only
    if count != 1:
        msg = (
            f"Expected one of --index, --wiki, --zim and --rerank-only, got {count or 'none'}. "
            "Give exactly one."
        )
        raise InvalidArgumentError(msg)

    from wikirank.rank import load_cross_encoder
    from wikirank.serve.run import page_url, run

    with suppress(KeyboardInterrupt), ExitStack() as stack:
        name, version = chosen_reranker(model, revision, index)
        cross_encoder = load_cross_encoder(
            name, revision=version, device=device, max_length=max_length
        )
        searcher = None
        if not rerank_only:
            searcher = stack.enter_context(open_searcher(index, wiki, zim, cross_encoder))
        app = _create_app(searcher, cross_encoder, host, allowed_hosts or [], token)
        with open_socket(host, port) as listening:
            url = page_url(host, listening, token)
            if rerank_only:
                url = f"{url.partition('#')[0]}v1/rerank"
            run(
                app,
                listening,
                lambda: _announce(url, open_browser=open_browser and not rerank_only),
            )


def _create_app(
    searcher: CandidateReranker | None,
    cross_encoder: CrossEncoder,
    host: str,
    allowed_hosts: list[str],
    token: str | None,
) -> FastAPI:
    """Create the application, or without a searcher the one that only reranks."""
    from wikirank.search import Searcher
    from wikirank.serve.api import create_app, create_rerank_app

    if searcher is None:
        return create_rerank_app(cross_encoder, host=host, allowed_hosts=allowed_hosts, token=token)
    return create_app(
        searcher,
        host=host,
        allowed_hosts=allowed_hosts,
        token=token,
        example_queries=(
            _example_queries(searcher.index) if isinstance(searcher, Searcher) else ()
        ),
    )


def _announce(url: str, *, open_browser: bool) -> None:
    typer.echo(f"{url}  (press Ctrl-C to stop)")
    if open_browser:
        # A text browser in the terminal would block the server.
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _example_queries(index: WikiIndex) -> list[str]:
    """Return questions that the sample corpus answers, or three titles of any other index."""
    if "sample" in index.info().sources:
        return list(QUESTIONS)
    return index.store.titles(3)

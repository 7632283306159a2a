"""`wikirank serve`: a local page to ask an index."""

from __future__ import annotations

import threading
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from wikirank.cli.demo import QUESTIONS
from wikirank.cli.options import (
    DeviceOption,
    IndexOption,
    MaxLengthOption,
    ModelOption,
    RevisionOption,
)

if TYPE_CHECKING:
    from wikirank.index import WikiIndex

TOKEN_VARIABLE = "WIKIRANK_TOKEN"


def command(
    index: IndexOption,
    host: Annotated[
        str, typer.Option(help="Name or address to listen on; other than loopback needs --token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any that is free.")
    ] = 8765,
    token: Annotated[
        str | None,
        typer.Option(envvar=TOKEN_VARIABLE, help="What clients of the API must present."),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
    model: ModelOption = "bundled",
    revision: RevisionOption = None,
    device: DeviceOption = None,
    max_length: MaxLengthOption = None,
) -> None:
    """Serve a page that shows an index's answers before and after reranking, until Ctrl-C.

    The JSON API beneath it is described at /openapi.json. Needs the [serve] extra.

    Examples:
    - `wikirank serve --index my-index`

    - `WIKIRANK_TOKEN=... wikirank serve --index my-index --host 0.0.0.0 --no-open`
    """
    from wikirank._extras import require_extra
    from wikirank._server import check_token, open_socket

    require_extra("serve", "the page", ("fastapi", "uvicorn"))
    check_token(host, token, hint=f"Set {TOKEN_VARIABLE}")

    from wikirank.index import WikiIndex
    from wikirank.rank import load_cross_encoder
    from wikirank.search import Searcher
    from wikirank.serve.api import create_app
    from wikirank.serve.run import page_url, run

    with suppress(KeyboardInterrupt), WikiIndex.open(index) as opened:
        cross_encoder = load_cross_encoder(
            model, revision=revision, device=device, max_length=max_length
        )
        app = create_app(
            Searcher(opened, cross_encoder),
            host=host,
            token=token,
            example_queries=_example_queries(opened),
        )
        with open_socket(host, port) as listening:
            url = page_url(host, listening, token)
            run(app, listening, lambda: _announce(url, open_browser=open_browser))


def _announce(url: str, *, open_browser: bool) -> None:
    typer.echo(f"{url}  (Ctrl-C ends it)")
    if open_browser:
        # A browser for the terminal would hold up the server's thread.
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _example_queries(index: WikiIndex) -> list[str]:
    """Questions that the sample corpus answers; of other sources, three titles."""
    if "sample" in index.info().sources:
        return list(QUESTIONS)
    return index.store.titles(3)

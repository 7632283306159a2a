"""`wikirank remove`: remove sources from an index."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from wikirank._util import counted
from wikirank.cli.options import IndexOption, JsonOption, WaitOption


def command(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME…", help="Names of sources, as listed by `wikirank info`."),
    ],
    index: IndexOption,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Remove sources from an index, with all their articles.

    If the command is interrupted or killed, the index stays valid: run it again to continue.

    Example:
    - `wikirank remove wiki-20261101.xml --index my-index`
    """
    from wikirank.index import WikiIndex

    with WikiIndex.open(index) as opened:
        removed = {name: opened.remove_source(name, wait=wait) for name in dict.fromkeys(names)}
    if as_json:
        typer.echo(json.dumps(removed, ensure_ascii=False))
        return
    console = Console(stderr=True)
    for name, articles in removed.items():
        console.print(
            f"{name}: {counted(articles, 'article')} removed", markup=False, highlight=False
        )

"""`wikirank info`: describe an index."""

from __future__ import annotations

import json

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wikirank._util import counted
from wikirank.cli.options import IndexOption, JsonOption


def command(index: IndexOption, as_json: JsonOption = False) -> None:
    """Show the sources and settings of an index.

    Example:
    - `wikirank info --index my-index --json`
    """
    from wikirank.index import WikiIndex

    with WikiIndex.open(index) as opened:
        values = opened.info().as_dict()
    if as_json:
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    locations = values.pop("locations")
    values["sources"] = [
        f"{name}: {counted(articles, 'article')}"
        + (f", {locations[name]}" if name in locations else "")
        for name, articles in values["sources"].items()
    ]
    table = Table(show_header=False, box=None)
    for key, value in values.items():
        cell = "\n".join(value) if key == "sources" else _readable(key, value)
        table.add_row(key.replace("_", " "), Text(cell))  # Names may hold brackets.
    Console().print(table)


def _readable(key: str, value: object) -> str:
    if key == "size_bytes" and isinstance(value, int):
        return f"{value / 1e6:.1f} MB"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count}" for name, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)

"""The command line `wikirank`: one module per command, with heavy imports inside the commands."""

from __future__ import annotations

import sys
from inspect import getdoc
from io import TextIOWrapper
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from wikirank._version import __version__
from wikirank.cli import (
    calibrate,
    demo,
    evaluate,
    index,
    info,
    remove,
    rerank,
    search,
    serve,
    train,
    verify,
)
from wikirank.errors import WikirankError

app = typer.Typer(
    name="wikirank",
    help="Index wiki text and search it for ranked passages with citations. "
    "Needs no API key, no GPU and no network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("index")(index.command)
app.command("search", cls=search.SearchCommand)(search.command)
app.command("rerank")(rerank.command)
app.command("serve")(serve.command)
app.command("info")(info.command)
app.command("remove")(remove.command)
app.command("verify")(verify.command)
app.command("demo")(demo.command)
app.command("train")(train.command)
app.command("evaluate")(evaluate.command)
app.command("calibrate")(calibrate.command)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"wikirank {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def _use_plain_help() -> None:
    """Print help and usage errors without boxes and Markdown, for pipes and logs."""
    app.rich_markup_mode = None
    for command in app.registered_commands:
        text = getdoc(command.callback) or ""
        command.help = text.replace(":\n- ", ":\n\n- ").replace("\n  ", " ").replace("`", "")


def main() -> None:
    """Run the command line. A `WikirankError` becomes one message and exit status 1."""
    for stream in (sys.stdout, sys.stderr):
        # Print `?` for characters that the terminal's encoding lacks, instead of failing.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        _use_plain_help()
    try:
        app()
    except WikirankError as err:
        # Use Text, because square brackets in a message are not markup.
        message = Text.assemble(("Error:", "bold red"), " ", str(err))
        Console(stderr=True).print(message, soft_wrap=True)
        sys.exit(1)

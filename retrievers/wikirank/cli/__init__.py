"""The command `wikirank`. Each command is a module; heavy imports wait until one runs."""

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
    help="Wiki text in, ranked and cited passages out. No API key, no GPU, no network.",
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


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wikirank {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _print_plainly() -> None:
    """Help and usage errors without boxes and Markdown, as a pipe or a log wants them."""
    app.rich_markup_mode = None
    for command in app.registered_commands:
        text = getdoc(command.callback) or ""
        command.help = text.replace(":\n- ", ":\n\n- ").replace("`", "")


def main() -> None:
    """Run the command line; an error of ours is one message and exit status 1."""
    for stream in (sys.stdout, sys.stderr):
        # Where the terminal's encoding lacks a character, a mark stands for it: no traceback.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        _print_plainly()
    try:
        app()
    except WikirankError as err:
        # A Text: square brackets in a message are no markup.
        message = Text.assemble(("Error:", "bold red"), " ", str(err))
        Console(stderr=True).print(message, soft_wrap=True)
        sys.exit(1)

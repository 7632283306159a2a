"""`wikirank train`: make a cross-encoder."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class Recipe(str, Enum):
    """How to train."""

    card = "card"


def command(
    corpus: Annotated[str, typer.Option(help="What `index` takes: `sample`, a file, a folder.")],
    output: Annotated[Path, typer.Option(help="Folder of the model; the same one resumes.")],
    recipe: Annotated[
        Recipe, typer.Option(help="`card`: as the original model card describes.")
    ] = Recipe.card,
    base: Annotated[
        str | None,
        typer.Option(help="Model to start from. [default: the card's, else the MiniLM package's]"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a cross-encoder; needs the `[train]` extra.

    Writes the sentence-transformers model, its int8 ONNX export in `onnx/` (what `--model` takes),
    a model card and the record of the run. Ctrl-C keeps the last checkpoint; the same command
    goes on from it.

    Example:
    - `wikirank train --recipe card --corpus wiki.jsonl.gz --output my-model`
    """
    from wikirank.corpus import open_source
    from wikirank.train import train_card

    console = Console(stderr=True)
    source = open_source(corpus)
    assert recipe is Recipe.card  # The only one there is.
    try:
        record = train_card(
            source,
            output,
            corpus_name=source.name,
            base=base,
            progress=not quiet,
            report=lambda line: console.print(line, markup=False, highlight=False),
        )
    except KeyboardInterrupt as err:
        raise typer.Exit(130) from err
    console.print(record.summary(), markup=False)

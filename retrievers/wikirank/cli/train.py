"""`wikirank train`: make a cross-encoder."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from wikirank.errors import InvalidArgumentError

if TYPE_CHECKING:
    from wikirank.corpus.source import Source
    from wikirank.train.card.record import TrainingRecord
    from wikirank.train.wiki.options import WikiOptions
    from wikirank.train.wiki.record import WikiRecord

Report = Callable[[str], None]


class Recipe(str, Enum):
    """How to train."""

    wiki = "wiki"
    card = "card"


class Loss(str, Enum):
    """What to minimise; the names are those of `wikirank.train.fit.loss.LossName`."""

    both = "both"
    listwise = "listwise"
    bce = "bce"
    distillation = "distillation"


def command(
    corpus: Annotated[str, typer.Option(help="What `index` takes: `sample`, a file, a folder.")],
    output: Annotated[Path, typer.Option(help="Folder of the model; the same one resumes.")],
    recipe: Annotated[
        Recipe,
        typer.Option(
            help="`wiki`: for any corpus, no labels needed. `card`: as the original model card."
        ),
    ] = Recipe.wiki,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Your own `question`, `passage` pairs, `.jsonl`/`.jsonl.gz`; wiki only."),
    ] = None,
    queries: Annotated[
        int | None,
        typer.Option(min=1, help="Most queries to make of the corpus; wiki only. [default: 3000]"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the groups; wiki only. [default: 1]")
    ] = None,
    loss: Annotated[
        Loss | None,
        typer.Option(
            help="`listwise`: the answer against its negatives. `bce`: each passage alone. "
            "`both` of them. `distillation`: as `--teacher` scores them; wiki only. "
            "[default: both]"
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            help="Cross-encoder to learn from, by `--loss distillation` only: `bundled`, a folder, "
            "or a hub id. Given several times, the mean of them."
        ),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Transformer layers of the base to keep, for a faster model; wiki only."
        ),
    ] = None,
    prefilter: Annotated[
        bool,
        typer.Option(
            help="Train also a small network by which hopeless candidates are dropped before the "
            "model scores the rest: several times as fast; wiki only.",
        ),
    ] = False,
    base: Annotated[
        str | None,
        typer.Option(
            help="Model to start from: `bundled`, a folder, or a hub id. "
            "[default: the card's, else the MiniLM package's]"
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a cross-encoder; needs the `[train]` extra.

    Writes the sentence-transformers model, its int8 ONNX export in `onnx/` (what `--model` takes),
    a model card and the record of the run. Ctrl-C keeps the last checkpoint; the same command
    goes on from it.

    Examples:
    - `wikirank train --corpus wiki.jsonl.gz --pairs questions.jsonl --output my-model`

    - `wikirank train --corpus wiki.jsonl.gz --base bundled --output my-model`

    - `wikirank train --recipe card --corpus wiki.jsonl.gz --output my-model`

    On several GPUs, with the options of `train` at the end:
    - `accelerate launch --multi_gpu --num_processes 2 -m wikirank train --corpus ...`
    """
    from wikirank.corpus import open_source
    from wikirank.train.fit.processes import is_main_process, process_count
    from wikirank.train.fit.teacher import check_teachers

    if recipe is Recipe.card and any(
        given for given in (pairs, queries, epochs, loss, teacher, layers, prefilter)
    ):
        msg = (
            "--pairs, --queries, --epochs, --loss, --teacher, --layers and --prefilter belong to "
            "--recipe wiki; the card's recipe is fixed."
        )
        raise InvalidArgumentError(msg)
    if recipe is Recipe.card and process_count() > 1:
        msg = f"The card's recipe trains in one process, got {process_count()}; launch it alone."
        raise InvalidArgumentError(msg)
    training: dict[str, Any] = {"loss": (loss or Loss.both).value, "epochs": epochs or 1}
    teachers = tuple(teacher or ())
    check_teachers(training["loss"], teachers)
    console = Console(stderr=True)
    source = open_source(corpus)

    def report(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    record: TrainingRecord | WikiRecord
    try:
        if recipe is Recipe.card:
            record = _card(source, output, base, report, progress=not quiet)
        else:
            options = _options(queries, training, teachers, layers)
            record = _wiki(source, output, base, report, pairs, options, progress=not quiet)
            if prefilter and is_main_process():
                _train_prefilter(output, report, progress=not quiet)
    except KeyboardInterrupt as err:
        raise typer.Exit(130) from err
    if is_main_process():
        report(record.summary())


def _card(
    source: Source, output: Path, base: str | None, report: Report, *, progress: bool
) -> TrainingRecord:
    from wikirank.train import train_card

    return train_card(
        source, output, corpus_name=source.name, base=base, progress=progress, report=report
    )


def _options(
    queries: int | None, training: dict[str, Any], teachers: tuple[str, ...], layers: int | None
) -> WikiOptions:
    from wikirank.train.data.groups import MOST_MADE, GroupOptions
    from wikirank.train.wiki.options import WikiOptions

    return WikiOptions(
        training=training,
        teachers=teachers,
        layers=layers,
        groups=GroupOptions(most_made=queries or MOST_MADE),
    )


def _wiki(
    source: Source,
    output: Path,
    base: str | None,
    report: Report,
    pairs: Path | None,
    options: WikiOptions,
    *,
    progress: bool,
) -> WikiRecord:
    from wikirank.train.data import read_pairs
    from wikirank.train.wiki.run import train_wiki

    return train_wiki(
        source,
        output,
        corpus_name=source.name,
        pairs=list(read_pairs(pairs)) if pairs else (),
        base=base,
        options=options,
        progress=progress,
        report=report,
    )


def _train_prefilter(output: Path, report: Report, *, progress: bool) -> None:
    from wikirank.train.first_pass.run import train_prefilter

    try:
        record = train_prefilter(output, progress=progress, report=report)
    except KeyboardInterrupt:
        report("Stopped; the model is finished. The same command goes on with its prefilter.")
        raise
    report(record.summary())

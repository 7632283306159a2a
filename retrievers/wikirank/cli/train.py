"""`wikirank train`: train a cross-encoder."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from wikirank.cli.options import QuietOption
from wikirank.errors import InvalidArgumentError

if TYPE_CHECKING:
    from wikirank.corpus.source import Source
    from wikirank.train.card.record import TrainingRecord
    from wikirank.train.wiki.options import WikiOptions
    from wikirank.train.wiki.record import WikiRecord

Report = Callable[[str], None]


class Recipe(StrEnum):
    """Training recipes."""

    wiki = "wiki"
    card = "card"


class Loss(StrEnum):
    """Training losses; the names of `wikirank.train.fit.loss.LossName`."""

    both = "both"
    listwise = "listwise"
    bce = "bce"
    distillation = "distillation"


def command(
    corpus: Annotated[
        str, typer.Option(help="Source, as for `index`: `sample`, a file, or a folder.")
    ],
    output: Annotated[
        Path, typer.Option(help="Folder for the model; an interrupted run continues in its folder.")
    ],
    recipe: Annotated[
        Recipe,
        typer.Option(
            help="`wiki`: for any corpus, needs no labels. `card`: recipe of the original model "
            "card."
        ),
    ] = Recipe.wiki,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="Your own pairs of `question` and `passage`, `.jsonl` or `.jsonl.gz`; wiki only."
        ),
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            help="Unlabelled questions, such as a search log, `.jsonl` or `.jsonl.gz`: `question` "
            "and, if known, a short `answer`. Candidates are mined from the corpus and scored by "
            "`--teacher`; wiki only."
        ),
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            min=2, help="Passages to mine for each of the `--questions`; wiki only. [default: 12]"
        ),
    ] = None,
    queries: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most queries to generate from the corpus; wiki only. [default: 3000]"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Training epochs; wiki only. [default: 1]")
    ] = None,
    loss: Annotated[
        Loss | None,
        typer.Option(
            help="`listwise`: rank the answer above its negatives. `bce`: classify each passage. "
            "`both`: the sum of these two. `distillation`: imitate the scores of `--teacher`; wiki "
            "only. [default: distillation with a teacher, otherwise both]"
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            help="Model to learn from: `bundled` (the cross-encoder), `bundled-embedder`, or a "
            "folder or hub id of any sentence-transformers cross-encoder or bi-encoder. "
            "Repeatable: teachers are weighted on held-out `--pairs`, or equally without pairs; "
            "wiki only."
        ),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of transformer layers of the base to keep, for a faster model; wiki only.",
        ),
    ] = None,
    prefilter: Annotated[
        bool,
        typer.Option(
            help="Also train a small network that drops hopeless candidates before the model "
            "scores the rest, which is several times faster; wiki only.",
        ),
    ] = False,
    max_length: Annotated[
        int | None,
        typer.Option(
            min=16,
            help="Most tokens of a query and a passage together, in training and in scoring. "
            "Longer passages are scored in windows; wiki only. [default: 128]",
        ),
    ] = None,
    held_out_queries: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Most held-out queries for calibration, and as many again for evaluation; wiki "
            "only. [default: 300]",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Model to start from: `bundled`, a folder, or a hub id. "
            "[default: the base of the model card; offline, that of the MiniLM package]"
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Train a cross-encoder. Needs the `[train]` extra.

    Writes the sentence-transformers model, its int8 ONNX export in `onnx/` (use that folder as
    `--model`), a model card and a record of the run. Ctrl-C keeps the last checkpoint: run the
    same command again to continue.

    Examples:
    - `wikirank train --corpus wiki.jsonl.gz --pairs questions.jsonl --output my-model`

    - `wikirank train --corpus wiki.jsonl.gz --base bundled --output my-model`

    Learn from stronger models, with the questions of your search log:
    - `wikirank train --corpus wiki.jsonl.gz --questions log.jsonl.gz --base bundled
      --teacher sentence-transformers/all-mpnet-base-v2 --teacher bundled --output my-model`

    - `wikirank train --recipe card --corpus wiki.jsonl.gz --output my-model`

    Train on several GPUs, with the options of `train` at the end:
    - `accelerate launch --multi_gpu --num_processes 2 -m wikirank train --corpus ...`
    """
    from wikirank.corpus import open_source
    from wikirank.train.fit.processes import is_main_process
    from wikirank.train.teach.teacher import check_teachers

    if recipe is Recipe.card:
        _check_card(
            {
                "--pairs": pairs,
                "--questions": questions,
                "--candidates": candidates,
                "--queries": queries,
                "--epochs": epochs,
                "--loss": loss,
                "--teacher": teacher,
                "--layers": layers,
                "--prefilter": prefilter,
                "--max-length": max_length,
                "--held-out-queries": held_out_queries,
            }
        )
    teachers = tuple(teacher or ())
    chosen = loss or (Loss.distillation if teachers else Loss.both)
    check_teachers(chosen.value, teachers, questions=questions is not None)
    console = Console(stderr=True)
    source = open_source(corpus)

    def report(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    record: TrainingRecord | WikiRecord
    try:
        if recipe is Recipe.card:
            record = _card(source, output, base, report, progress=not quiet)
        else:
            options = _options(
                {"loss": chosen.value, "epochs": epochs or 1},
                queries,
                candidates,
                teachers=teachers,
                layers=layers,
                **_without_none(
                    train_length=max_length,
                    max_length=max_length,
                    held_out_queries=held_out_queries,
                ),
            )
            record = _wiki(source, output, base, report, pairs, questions, options, not quiet)
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


def _check_card(options: dict[str, Any]) -> None:
    """Raise if an option does not apply to the card recipe, or if several processes run it."""
    from wikirank.train.fit.processes import process_count

    wiki_only = [name for name, value in options.items() if value]
    if wiki_only:
        msg = (
            f"Expected only fixed settings with --recipe card, got {' and '.join(wiki_only)}. "
            "Leave out what is for --recipe wiki, or choose that recipe."
        )
        raise InvalidArgumentError(msg)
    if process_count() > 1:
        msg = (
            f"Expected one process for --recipe card, got {process_count()}. Start it without a "
            "launcher."
        )
        raise InvalidArgumentError(msg)


def _without_none(**options: Any) -> dict[str, Any]:
    """Drop the options that are left at their defaults."""
    return {name: value for name, value in options.items() if value is not None}


def _options(
    training: dict[str, Any], queries: int | None, candidates: int | None, **others: Any
) -> WikiOptions:
    from wikirank.train.data.groups import GroupOptions
    from wikirank.train.data.question_groups import QuestionOptions
    from wikirank.train.wiki.options import WikiOptions

    return WikiOptions(
        training=training,
        groups=GroupOptions(**_without_none(most_made=queries)),
        questions=QuestionOptions(**_without_none(candidates=candidates)),
        **others,
    )


def _wiki(
    source: Source,
    output: Path,
    base: str | None,
    report: Report,
    pairs: Path | None,
    questions: Path | None,
    options: WikiOptions,
    progress: bool,
) -> WikiRecord:
    from wikirank.train.data import read_pairs, read_questions
    from wikirank.train.wiki.run import train_wiki

    return train_wiki(
        source,
        output,
        corpus_name=source.name,
        pairs=list(read_pairs(pairs)) if pairs else (),
        questions=list(read_questions(questions)) if questions else (),
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
        report("Stopped. The model is finished: run the same command again for its prefilter.")
        raise
    report(record.summary())

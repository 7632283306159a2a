"""`wikirank train`: make a cross-encoder."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
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


class Recipe(StrEnum):
    """How to train."""

    wiki = "wiki"
    card = "card"


class Loss(StrEnum):
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
    questions: Annotated[
        Path | None,
        typer.Option(
            help="Unlabelled questions, such as a search log: `question`, and `answer` where a "
            "short one is known, `.jsonl`/`.jsonl.gz`; candidates are mined from the corpus, and "
            "`--teacher` says which are right; wiki only."
        ),
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            min=2, help="Passages to mine for each of `--questions`; wiki only. [default: 12]"
        ),
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
            "[default: distillation with a teacher, else both]"
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            help="Model whose ranking is learned: `bundled` (the cross-encoder), "
            "`bundled-embedder`, or a folder or hub id of any sentence-transformers cross-encoder "
            "or bi-encoder. Several are weighed by held-out `--pairs`, else equally; wiki only."
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
    max_length: Annotated[
        int | None,
        typer.Option(
            min=16,
            help="Longest pair of query and passage, in tokens, to train on and to score at once; "
            "longer passages are scored in windows; wiki only. [default: 128]",
        ),
    ] = None,
    held_out_queries: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Most held-out queries to calibrate on, and as many to measure on; wiki only. "
            "[default: 300]",
        ),
    ] = None,
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

    Learn people's questions from stronger models, with a search log of yours:
    - `wikirank train --corpus wiki.jsonl.gz --questions log.jsonl.gz --base bundled
      --teacher sentence-transformers/all-mpnet-base-v2 --teacher bundled --output my-model`

    - `wikirank train --recipe card --corpus wiki.jsonl.gz --output my-model`

    On several GPUs, with the options of `train` at the end:
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
                **_given(
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
    """Raise if there is an option that the card's recipe does not have, or several processes."""
    from wikirank.train.fit.processes import process_count

    others = [name for name, value in options.items() if value]
    if others:
        msg = (
            f"{' and '.join(others)} belong to --recipe wiki; the card's recipe is fixed. Leave "
            "them out, or choose the other recipe."
        )
        raise InvalidArgumentError(msg)
    if process_count() > 1:
        msg = f"The card's recipe trains in one process, got {process_count()}; launch it alone."
        raise InvalidArgumentError(msg)


def _given(**options: Any) -> dict[str, Any]:
    """The options that are not left to their defaults."""
    return {name: value for name, value in options.items() if value is not None}


def _options(
    training: dict[str, Any], queries: int | None, candidates: int | None, **others: Any
) -> WikiOptions:
    from wikirank.train.data.groups import GroupOptions
    from wikirank.train.data.question_groups import QuestionOptions
    from wikirank.train.wiki.options import WikiOptions

    return WikiOptions(
        training=training,
        groups=GroupOptions(**_given(most_made=queries)),
        questions=QuestionOptions(**_given(candidates=candidates)),
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
        report("Stopped; the model is finished. The same command goes on with its prefilter.")
        raise
    report(record.summary())

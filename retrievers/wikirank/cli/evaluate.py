"""`wikirank evaluate`: first stages and rerankers side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from wikirank.cli.options import JsonOption
from wikirank.cli.search import SearchTypeChoice

if TYPE_CHECKING:
    from wikirank.evaluate.candidates import OnStep
    from wikirank.evaluate.datasets import RetrievalDataset
    from wikirank.evaluate.results import Evaluation, EvaluationSettings
    from wikirank.rank import CrossEncoder
    from wikirank.types import Passage


def command(
    questions: Annotated[
        Path | None,
        typer.Option(help="`.jsonl`/`.jsonl.gz` of `id`, `question`, `passage_id`."),
    ] = None,
    passages: Annotated[
        Path | None, typer.Option(help="`.jsonl`/`.jsonl.gz` of `id`, `text`.")
    ] = None,
    beir: Annotated[
        Path | None, typer.Option(help="Instead of both: a folder in BEIR's format.")
    ] = None,
    distractors: Annotated[
        str | None, typer.Option(help="Further passages: `sample`, a file, or a folder.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most distractors, in passages.")] = 10_000,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Reranker: `bundled`, a folder, a hub id; repeatable. [default: bundled]"
        ),
    ] = None,
    search_type: Annotated[
        SearchTypeChoice, typer.Option(help="Whose candidates are reranked.")
    ] = SearchTypeChoice.hybrid,
    depth: Annotated[int, typer.Option(min=1, help="Candidates a query.")] = 50,
    every: Annotated[int, typer.Option(min=1, help="Ask every n-th question only.")] = 1,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure BM25, dense and hybrid search, and each reranker on the same candidates.

    Shows MRR@10, nDCG@10, MAP, recall and accuracy@1 with intervals and a significance test, what
    a perfect reranker would reach, hard questions apart, and whether relevance scores can be
    trusted.

    Examples:
    - `wikirank evaluate --questions q.jsonl --passages p.jsonl --every 10`

    - `wikirank evaluate --beir scifact --model bundled --model my-model/onnx --html report.html`

    - `wikirank evaluate --beir scifact --distractors sample --depth 100 --json`
    """
    from wikirank.evaluate.page import html_page
    from wikirank.evaluate.report import terminal_report
    from wikirank.evaluate.results import EvaluationSettings

    dataset = _dataset(questions, passages, beir).every(every)
    if html is not None and not html.parent.is_dir():
        # Better now than after an hour.
        msg = f"there is no folder {html.parent}"
        raise typer.BadParameter(msg, param_hint="--html")
    models = _models(model or ["bundled"])
    others = _distractors(distractors, limit)
    settings = EvaluationSettings(depth=depth, search_type=search_type.value)
    name = (beir or questions or Path()).resolve().name
    with _progress(show=not quiet) as on_step:
        evaluation = _run(dataset, others, models, settings, name, on_step)
    if html is not None:
        html.write_text(html_page(evaluation), encoding="utf-8")
        Console(stderr=True).print(f"Wrote {html}.", markup=False, highlight=False)
    if as_json:
        typer.echo(json.dumps(evaluation.as_dict(), ensure_ascii=False, allow_nan=False))
        return
    Console().print(terminal_report(evaluation))


def _dataset(questions: Path | None, passages: Path | None, beir: Path | None) -> RetrievalDataset:
    from wikirank.evaluate.datasets import load_retrieval_dataset

    if beir is not None and questions is None and passages is None:
        return load_retrieval_dataset(beir)
    if beir is None and questions is not None and passages is not None:
        return load_retrieval_dataset(questions, passages)
    msg = "name a data set: --questions and --passages, or --beir alone"
    raise typer.BadParameter(msg)


def _models(specs: Sequence[str]) -> dict[str, CrossEncoder]:
    """The rerankers by their ids, or, where two have one id, by id and what was asked for."""
    from wikirank.rank import load_cross_encoder

    loaded = {spec: load_cross_encoder(spec) for spec in dict.fromkeys(specs)}
    ids = [model.model_id for model in loaded.values()]
    return {
        model.model_id if ids.count(model.model_id) == 1 else f"{model.model_id} ({spec})": model
        for spec, model in loaded.items()
    }


def _distractors(spec: str | None, limit: int) -> Iterator[Passage]:
    from wikirank.corpus import open_source
    from wikirank.evaluate.candidates import distractor_passages

    return islice(distractor_passages(open_source(spec)), limit) if spec else iter(())


def _run(
    dataset: RetrievalDataset,
    distractors: Iterator[Passage],
    models: dict[str, CrossEncoder],
    settings: EvaluationSettings,
    name: str,
    on_step: OnStep,
) -> Evaluation:
    from wikirank.evaluate.candidates import build_index
    from wikirank.evaluate.run import evaluate

    with build_index(dataset, distractors, on_step=on_step) as index:
        return evaluate(index, dataset, models, settings, name=name, on_step=on_step)


@contextmanager
def _progress(*, show: bool) -> Iterator[OnStep]:
    """A bar for each step on standard error: done, rate, time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f}/s"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), disable=not show) as progress:

        def update(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total, rate=0.0)
            elapsed = progress.tasks[tasks[step]].elapsed
            rate = done / elapsed if elapsed else 0.0
            progress.update(tasks[step], completed=done, rate=rate)

        yield update

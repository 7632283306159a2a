"""`wikirank evaluate`: compare retrievers and rerankers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from wikirank.cli.options import DeviceOption, JsonOption, QuietOption, RevisionOption
from wikirank.errors import InvalidArgumentError
from wikirank.types import SearchType

if TYPE_CHECKING:
    from wikirank.evaluate.candidates import Candidates, OnStep
    from wikirank.evaluate.datasets import RetrievalDataset
    from wikirank.evaluate.held_out import RecordedCandidates
    from wikirank.evaluate.results import Evaluation
    from wikirank.rank import CrossEncoder
    from wikirank.types import Passage

_DEPTH = 50


def command(
    questions: Annotated[
        Path | None,
        typer.Option(help="`.jsonl` or `.jsonl.gz` with `id`, `question`, `passage_id`."),
    ] = None,
    passages: Annotated[
        Path | None,
        typer.Option(help="`.jsonl` or `.jsonl.gz` with `id`, `text` and an optional `title`."),
    ] = None,
    beir: Annotated[
        Path | None,
        typer.Option(help="Instead of --questions and --passages: a folder in BEIR format."),
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(
            help="Or the held-out queries of a model: a folder written by `train --recipe wiki`."
        ),
    ] = None,
    wiki_eval: Annotated[
        str | None,
        typer.Option(
            metavar="CORPUS",
            help="Or the `wiki-eval` set of the model card, made from `sample`, a file, or a "
            "folder. It has two candidates per query; with --depth, all its passages are searched.",
        ),
    ] = None,
    distractors: Annotated[
        str | None,
        typer.Option(help="Source of more passages to search: `sample`, a file, or a folder."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most passages from --distractors.")] = 10_000,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Reranker: `bundled`, a folder, or a hub id. Repeatable. "
            "[default: bundled; with --held-out, the model in that folder]"
        ),
    ] = None,
    revision: RevisionOption = None,
    device: DeviceOption = None,
    search_type: Annotated[
        SearchType, typer.Option(help="Search whose candidates are reranked.")
    ] = "hybrid",
    depth: Annotated[
        int | None, typer.Option(min=1, help=f"Candidates per query. [default: {_DEPTH}]")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Use only every n-th question.")] = 1,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Save all logits in this file. If you stop the command, run it again to continue; "
            "reported times then only cover the pairs scored in the last run."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write an HTML report with plots to this file.")
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure BM25, dense and hybrid search, and rerankers on the same candidates.

    Reports MRR@10, nDCG@10, MAP, recall and accuracy@1 with confidence intervals and a
    significance test, the best scores that any reranker could reach, results on hard questions,
    and the calibration of the relevance scores.

    Examples:
    - `wikirank evaluate --questions q.jsonl --passages p.jsonl --every 10`

    - `wikirank evaluate --beir scifact --model bundled --model my-model/onnx --html report.html`

    - `wikirank evaluate --beir scifact --distractors sample --depth 100 --json`

    - `wikirank evaluate --questions q.jsonl --passages p.jsonl --keep logits.db`

    - `wikirank evaluate --held-out my-model`

    - `wikirank evaluate --wiki-eval sample --model cross-encoder/ms-marco-MiniLM-L6-v2`
    """
    from wikirank.cli.output import step_progress
    from wikirank.evaluate.html_report import html_page
    from wikirank.evaluate.kept_scores import CachedCrossEncoder
    from wikirank.evaluate.report import terminal_report

    _check_distractors(held_out, wiki_eval, distractors, depth)
    task = _task(questions, passages, beir, held_out, wiki_eval, depth)
    if html is not None and not html.parent.is_dir():
        # Fail before the evaluation, which may take hours.
        msg = f"Expected a file in an existing folder, got {html}. Create {html.parent} first."
        raise typer.BadParameter(msg, param_hint="--html")
    default = held_out / "onnx" if held_out else "bundled"
    models = _load_models(model or [default], revision, device)
    if keep is not None:
        models = {name: CachedCrossEncoder(loaded, keep) for name, loaded in models.items()}
    task = replace(task, dataset=task.dataset.every(every))
    with step_progress(show=not quiet) as on_step:
        more_passages = _read_distractors(distractors, limit)
        evaluation = _run(task, more_passages, models, search_type, on_step)
    if html is not None:
        html.write_text(html_page(evaluation), encoding="utf-8")
        Console(stderr=True).print(f"Wrote {html}.", markup=False, highlight=False)
    if as_json:
        typer.echo(json.dumps(evaluation.as_dict(), ensure_ascii=False, allow_nan=False))
        return
    console = Console()
    console.print(terminal_report(evaluation, is_terminal=console.is_terminal))


@dataclass(frozen=True)
class _Task:
    """The queries, and their candidates; without candidates, an index is built and searched."""

    name: str
    dataset: RetrievalDataset
    depth: int
    candidates: RecordedCandidates | None = None


def _check_distractors(
    held_out: Path | None, wiki_eval: str | None, distractors: str | None, depth: int | None
) -> None:
    """Refuse distractors if nothing is searched."""
    if distractors is None:
        return
    if held_out:
        msg = "--held-out has its own candidates, so --distractors has no effect. Leave it out."
        raise InvalidArgumentError(msg)
    if wiki_eval and depth is None:
        msg = (
            "--wiki-eval has two candidates per query, so --distractors has no effect. Add --depth "
            "to search, or leave --distractors out."
        )
        raise InvalidArgumentError(msg)


def _task(
    questions: Path | None,
    passages: Path | None,
    beir: Path | None,
    held_out: Path | None,
    wiki_eval: str | None,
    depth: int | None,
) -> _Task:
    from wikirank.evaluate.datasets import load_retrieval_dataset

    datasets = [questions or passages, beir, held_out, wiki_eval]
    count = sum(dataset is not None for dataset in datasets)
    if count != 1 or bool(questions) != bool(passages):
        msg = (
            "Expected exactly one data set: --questions with --passages, --beir, --held-out or "
            f"--wiki-eval; got {'an incomplete one' if count == 1 else count or 'none'}. "
            "Name one data set."
        )
        raise InvalidArgumentError(msg)
    if held_out is not None:
        from wikirank.evaluate.held_out import load_held_out

        dataset, candidates = load_held_out(held_out)
        name = f"Held-out queries of {held_out.resolve().name}"
        return _Task(name, dataset, depth or _DEPTH, candidates=candidates)
    if wiki_eval is not None:
        return _wiki_eval(wiki_eval, depth)
    file = beir or questions or Path()
    return _Task(file.resolve().name, load_retrieval_dataset(file, passages), depth or _DEPTH)


def _wiki_eval(corpus: str, depth: int | None) -> _Task:
    from wikirank.corpus import open_source
    from wikirank.evaluate.wiki_eval import (
        CANDIDATES,
        held_out_pairs,
        searched_dataset,
        wiki_eval_dataset,
    )

    source = open_source(corpus)
    name, pairs = f"wiki-eval of {source.name}", held_out_pairs(source)
    if depth is None:
        return _Task(name, wiki_eval_dataset(pairs), CANDIDATES)
    return _Task(f"{name}, searched", searched_dataset(pairs), depth)


def _load_models(
    specs: Sequence[str | Path], revision: str | None, device: str | None
) -> dict[str, CrossEncoder]:
    """Load the rerankers, by their ids. An id that occurs twice is followed by the option."""
    from wikirank.rank import load_cross_encoder
    from wikirank.runtime.model_pairs import BUNDLED

    hub = [s for s in dict.fromkeys(specs) if s != BUNDLED and not Path(s).expanduser().is_dir()]
    if revision is not None and len(hub) != 1:
        msg = (
            f"Expected one hub id among the models with --revision, got {len(hub)}. "
            "Leave --revision out, or name one hub id by --model."
        )
        raise InvalidArgumentError(msg)
    loaded = {
        spec: load_cross_encoder(spec, revision=revision if spec in hub else None, device=device)
        for spec in dict.fromkeys(specs)
    }
    ids = [model.model_id for model in loaded.values()]
    return {
        model.model_id if ids.count(model.model_id) == 1 else f"{model.model_id} ({spec})": model
        for spec, model in loaded.items()
    }


def _read_distractors(spec: str | None, limit: int) -> Iterator[Passage]:
    from wikirank.corpus import open_source
    from wikirank.evaluate.candidates import distractor_passages

    return islice(distractor_passages(open_source(spec)), limit) if spec else iter(())


def _run(
    task: _Task,
    distractors: Iterator[Passage],
    models: dict[str, CrossEncoder],
    search_type: SearchType,
    on_step: OnStep,
) -> Evaluation:
    from wikirank.evaluate.results import EvaluationSettings
    from wikirank.evaluate.run import evaluate

    settings = EvaluationSettings(depth=task.depth, search_type=search_type)
    with _candidates(task, distractors, on_step) as candidates:
        return evaluate(candidates, task.dataset, models, settings, name=task.name, on_step=on_step)


@contextmanager
def _candidates(
    task: _Task, distractors: Iterator[Passage], on_step: OnStep
) -> Iterator[Candidates]:
    from wikirank.evaluate.candidates import SearchedCandidates, build_index

    if task.candidates is not None:
        yield task.candidates
        return
    with build_index(task.dataset, distractors, on_step=on_step) as index:
        yield SearchedCandidates(index, task.dataset)

"""`wikirank evaluate`: first stages and rerankers side by side."""

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

from wikirank.cli.options import DeviceOption, JsonOption, RevisionOption
from wikirank.errors import InvalidArgumentError
from wikirank.types import SearchType

if TYPE_CHECKING:
    from wikirank.evaluate.candidates import Candidates, OnStep
    from wikirank.evaluate.datasets import RetrievalDataset
    from wikirank.evaluate.held_out import GivenCandidates
    from wikirank.evaluate.results import Evaluation
    from wikirank.rank import CrossEncoder
    from wikirank.types import Passage

_DEPTH = 50


def command(
    questions: Annotated[
        Path | None,
        typer.Option(help="`.jsonl`/`.jsonl.gz` of `id`, `question`, `passage_id`."),
    ] = None,
    passages: Annotated[
        Path | None, typer.Option(help="`.jsonl`/`.jsonl.gz` of `id`, `text`, perhaps `title`.")
    ] = None,
    beir: Annotated[
        Path | None, typer.Option(help="Instead of both: a folder in BEIR's format.")
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(
            help="Or the held-out queries of a model: a folder that `train --recipe wiki` wrote."
        ),
    ] = None,
    wiki_eval: Annotated[
        str | None,
        typer.Option(
            metavar="CORPUS",
            help="Or the model card's `wiki-eval`, made of `sample`, a file, or a folder: two "
            "candidates a query; with --depth, all its passages are searched.",
        ),
    ] = None,
    distractors: Annotated[
        str | None, typer.Option(help="Further passages: `sample`, a file, or a folder.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most distractors, in passages.")] = 10_000,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Reranker: `bundled`, a folder, a hub id; repeatable. "
            "[default: bundled; with --held-out the folder's own]"
        ),
    ] = None,
    revision: RevisionOption = None,
    device: DeviceOption = None,
    search_type: Annotated[
        SearchType, typer.Option(help="Whose candidates are reranked.")
    ] = "hybrid",
    depth: Annotated[
        int | None, typer.Option(min=1, help=f"Candidates a query. [default: {_DEPTH}]")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Ask every n-th question only.")] = 1,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Keep every logit in this file: the same command, stopped, goes on from there, "
            "and times are of what was left to score."
        ),
    ] = None,
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

    - `wikirank evaluate --questions q.jsonl --passages p.jsonl --keep logits.db`

    - `wikirank evaluate --held-out my-model`

    - `wikirank evaluate --wiki-eval sample --model cross-encoder/ms-marco-MiniLM-L6-v2`
    """
    from wikirank.cli.output import step_progress
    from wikirank.evaluate.html_report import html_page
    from wikirank.evaluate.kept_scores import CachedCrossEncoder
    from wikirank.evaluate.report import terminal_report

    _check(held_out, wiki_eval, distractors, depth)
    task = _task(questions, passages, beir, held_out, wiki_eval, depth)
    if html is not None and not html.parent.is_dir():
        # Better now than after an hour.
        msg = f"there is no folder {html.parent}"
        raise typer.BadParameter(msg, param_hint="--html")
    own = held_out / "onnx" if held_out else "bundled"
    models = _models(model or [own], revision, device)
    if keep is not None:
        models = {name: CachedCrossEncoder(one, keep) for name, one in models.items()}
    task = replace(task, dataset=task.dataset.every(every))
    with step_progress(show=not quiet) as on_step:
        others = _distractors(distractors, limit)
        evaluation = _run(task, others, models, search_type, on_step)
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
    """What is asked, and where the candidates come from: those given, or else an index."""

    name: str
    dataset: RetrievalDataset
    depth: int
    candidates: GivenCandidates | None = None


def _check(
    held_out: Path | None, wiki_eval: str | None, distractors: str | None, depth: int | None
) -> None:
    """Refuse distractors where nothing is searched."""
    if distractors is None:
        return
    if held_out:
        msg = "--held-out has its candidates, so --distractors would not be searched; leave it out."
        raise InvalidArgumentError(msg)
    if wiki_eval and depth is None:
        msg = (
            "--wiki-eval has two candidates a query, so --distractors would not be searched; add "
            "--depth to search, or leave it out."
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

    sets = [questions or passages, beir, held_out, wiki_eval]
    if sum(one is not None for one in sets) != 1 or bool(questions) != bool(passages):
        msg = (
            "Name one data set: --questions and --passages, or --beir, --held-out or --wiki-eval "
            "alone."
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


def _models(
    specs: Sequence[str | Path], revision: str | None, device: str | None
) -> dict[str, CrossEncoder]:
    """The rerankers by their ids, or, where two have one id, by id and what was asked for."""
    from wikirank.rank import load_cross_encoder
    from wikirank.runtime.model_pairs import BUNDLED

    hub = [s for s in dict.fromkeys(specs) if s != BUNDLED and not Path(s).expanduser().is_dir()]
    if revision is not None and len(hub) != 1:
        msg = f"--revision is of one hub id, got {len(hub)} among the models; see --model."
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


def _distractors(spec: str | None, limit: int) -> Iterator[Passage]:
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

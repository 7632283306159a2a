"""`wikirank calibrate`: turn the scores of a reranker into probabilities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wikirank.cli.options import (
    DeviceOption,
    JsonOption,
    MaxLengthOption,
    QuietOption,
    RevisionOption,
)


def command(
    model: Annotated[
        str,
        typer.Option(help="Reranker: `multilingual`, a folder, or a hub id such as `org/name`."),
    ],
    questions: Annotated[
        Path,
        typer.Option(
            help="JSON lines with `id`, `question`, and the `passage_id` of an answering passage. "
            "Use questions that the model was not trained on."
        ),
    ],
    passages: Annotated[Path, typer.Option(help="JSON lines with `id`, `title`, `text`.")],
    revision: RevisionOption = None,
    device: DeviceOption = None,
    max_length: MaxLengthOption = None,
    depth: Annotated[int, typer.Option(min=2, help="Candidates per question.")] = 20,
    every: Annotated[int, typer.Option(min=1, help="Use only every n-th question.")] = 1,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fit Platt scaling, so that the relevance scores of a model are probabilities.

    Without it, relevance scores are the sigmoid of the model's logits. The calibration is saved
    where loading the model finds it. For a model folder, that is its `wikirank.json`, or a new
    `wikirank-calibration.json` in the folder. For a hub id, it is `~/.cache/wikirank`, or the
    folder in WIKIRANK_CACHE.

    Example:
    - `wikirank calibrate --model cross-encoder/ms-marco-MiniLM-L6-v2 --questions q.jsonl
      --passages p.jsonl`
    """
    from wikirank.cli.output import step_progress
    from wikirank.evaluate.candidates import SearchedCandidates, build_index
    from wikirank.evaluate.datasets import load_retrieval_dataset
    from wikirank.evaluate.platt_scaling import fit_platt
    from wikirank.rank import load_cross_encoder
    from wikirank.rank.load import refuse_bundled, resolve_reranker
    from wikirank.runtime.kept_calibration import save_calibration

    name, revision = resolve_reranker(model, revision)
    refuse_bundled(name)
    cross_encoder = load_cross_encoder(
        name, revision=revision, device=device, max_length=max_length
    )
    dataset = load_retrieval_dataset(questions, passages).every(every)
    with (
        step_progress(show=not quiet) as on_step,
        build_index(dataset, on_step=on_step) as index,
    ):
        candidates = SearchedCandidates(index, dataset)
        fit = fit_platt(cross_encoder, dataset, candidates, depth=depth, on_step=on_step)
    file = save_calibration(fit.calibration, name, revision)
    if as_json:
        typer.echo(json.dumps({**fit.as_dict(), "file": str(file)}))
        return
    Console().print(
        f"{cross_encoder.model_id}: relevance = sigmoid({fit.calibration.scale:.4g} × logit "
        f"{fit.calibration.shift:+.4g}), fitted on {fit.pairs} candidates, {fit.relevant} of them "
        f"relevant. Expected calibration error: {fit.error_before:.3f} before, "
        f"{fit.error_after:.3f} after. Saved in {file}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )

"""Run the wiki recipe, from the corpus to the finished model folder.

Several processes can train together (`accelerate launch`). The main process does everything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wikirank.passages.cut import article_digest
from wikirank.passages.ids import stable_hash
from wikirank.train.data.pairs import QuestionPair
from wikirank.train.data.prepare import prepare_data
from wikirank.train.data.questions import Question
from wikirank.train.extra import require_train_extra
from wikirank.train.fit.processes import is_main_process, main_process_first
from wikirank.train.fit.run_folder import CHECKPOINTS, Report, claim_run_folder, last_checkpoint
from wikirank.train.teach.teacher import check_teachers, load_teacher
from wikirank.train.wiki.finish import DATA, WikiRun
from wikirank.train.wiki.options import WikiOptions
from wikirank.train.wiki.record import TeachingRecord, WikiRecord, few_lists
from wikirank.types import Article

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder as TorchModel

    from wikirank.train.fit.base import Base
    from wikirank.train.fit.group_trainer import GroupHyperparameters
    from wikirank.train.fit.history import Fit

__all__ = ["WikiOptions", "train_wiki"]


def train_wiki(
    corpus: Iterable[Article],
    output: Path,
    *,
    corpus_name: str,
    pairs: Sequence[QuestionPair] = (),
    questions: Sequence[Question] = (),
    base: str | None = None,
    options: WikiOptions | None = None,
    progress: bool = True,
    report: Report = lambda _: None,
) -> WikiRecord:
    """Train a cross-encoder for a corpus, on generated queries and the user's own data.

    With teachers, it learns their scores of the labelled groups and of unlabelled questions, such
    as a search log.

    If an earlier call was stopped, the same call resumes from its last checkpoint. If it was
    finished, the call only reads the record.

    Args:
        corpus: Articles to train on.
        output: Folder to write to: new, empty, or of the same run.
        corpus_name: Name of the corpus in the model card.
        pairs: Questions with passages that answer them.
        questions: Questions without passages; they need a teacher.
        base: `bundled`, a folder or a hub id to start from; None is the original card's base, or
            the fallback if that is not available.
        options: Options of the recipe; None is the defaults.
        progress: Whether to show progress bars on standard error.
        report: Called with a sentence at each stage.

    Returns:
        The record, as saved in `training.json`.

    Raises:
        MissingExtraError: If the `[train]` extra is not installed.
        CorpusError: If the corpus is too small.
        ModelError: If the base or a teacher is not available.
        InvalidArgumentError: If an option is out of range, or `output` holds something else.
        KeyboardInterrupt: On Ctrl-C, after a report on what is kept. The last checkpoint stays.
    """
    require_train_extra()
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.group_trainer import GroupHyperparameters

    options = options or WikiOptions()
    articles = list(corpus)
    report = report if is_main_process() else lambda _: None
    with main_process_first():  # only the main process downloads it
        start = find_base(base)
    report(start.describe())
    training = GroupHyperparameters(**{"seed": options.seed, **options.training})
    settings = _as_json({"groups": asdict(options.groups), "training": asdict(training)})
    if questions:
        settings["questions"] = _as_json(asdict(options.questions))
    identity = {
        "corpus": stable_hash([article_digest(article) for article in articles]),
        "pairs": stable_hash([asdict(pair) for pair in pairs]),
        "base": start.to_json(),
        "options": {**_as_json(_plain(options)), **settings},
    }
    if questions:
        identity["questions"] = stable_hash([asdict(question) for question in questions])
    check_teachers(training.loss, options.teachers, questions=bool(questions))
    for teacher in options.teachers:
        load_teacher(teacher)  # fails now if it is missing, not after an hour of mining
    with main_process_first():
        if claim_run_folder(output, identity):
            report(f"The run in {output} is finished already: nothing to do.")
            return WikiRecord.load(output)
        data = prepare_data(
            articles,
            pairs,
            output / DATA,
            seed=options.seed,
            options=options.groups,
            held_out_queries=options.held_out_queries,
            depth=options.depth,
            questions=questions,
            question_options=options.questions,
            report=report,
        )
    report(f"{len(data.groups):,} groups; {len(data.dev)} dev and {len(data.test)} test lists.")
    for line in few_lists({"dev": len(data.dev), "test": len(data.test)}):
        report(line)
    run = WikiRun(
        output, corpus_name, len(articles), data, start.to_json(), options, settings, report
    )
    try:
        scores, teaching = _teacher_scores(run, progress=progress)
        run = replace(run, teaching=teaching)
        model, fit = _fit(run, start, training, scores, progress=progress)
        with main_process_first() as is_main:
            return run.finish(model, fit) if is_main else WikiRecord.load(output)
    except KeyboardInterrupt:
        checkpoint = last_checkpoint(output / CHECKPOINTS)
        kept = checkpoint.name if checkpoint else "the data"
        report(f"Stopped; {kept} is kept. Run the same command to resume from it.")
        raise


def _teacher_scores(
    run: WikiRun, *, progress: bool
) -> tuple[list[list[float]] | None, TeachingRecord | None]:
    """Return the teachers' scores of groups and questions, and the teachers' weights."""
    if not run.options.teachers:
        return None, None
    from wikirank.train.teach.ensemble import teach

    with main_process_first() as is_main:
        return teach(
            run.options.teachers,
            run.data,
            run.output / DATA,
            answer_evidence=run.options.questions.answer_evidence,
            progress=progress and is_main,
            report=run.report,
        )


def _fit(
    run: WikiRun,
    start: Base,
    training: GroupHyperparameters,
    scores: list[list[float]] | None,
    *,
    progress: bool,
) -> tuple[TorchModel, Fit]:
    from wikirank.train.fit.group_trainer import fit_groups, groups_dataset, ranking_samples
    from wikirank.train.fit.model import starting_model

    options, data = run.options, run.data
    model = starting_model(
        start,
        seed=options.seed,
        max_length=options.train_length,
        layers=options.layers,
        dropout=options.dropout,
    )
    fit = fit_groups(
        model,
        groups_dataset(data.groups, scores, data.questions),
        ranking_samples(data.dev),
        training,
        checkpoints=run.output / CHECKPOINTS,
        progress=progress,
    )
    run.report(f"Trained in {fit.seconds:.0f} s. Exporting, calibrating and measuring.")
    return model, fit


def _as_json(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values as JSON returns them, lists for tuples, to compare with `run.json`."""
    as_json: dict[str, Any] = json.loads(json.dumps(values))
    return as_json


def _plain(options: WikiOptions) -> dict[str, Any]:
    fields = asdict(options)
    return {
        name: fields[name] for name in fields if name not in ("groups", "training", "questions")
    }

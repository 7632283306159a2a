"""A teacher's scores of the training groups, for distillation: scored once, and kept in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from wikirank._json_lines import expected, read_records, write_records
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.rank import CrossEncoder, load_cross_encoder, score_passages
from wikirank.train.data.groups import TrainingGroup

TEACHER_FILE = "teacher.jsonl.gz"
DISTILLATION = "distillation"


def check_teachers(loss: str, teachers: Sequence[str]) -> None:
    """Raise unless there is a teacher exactly where the loss has a use for one.

    Args:
        loss: Name of the loss, as `GroupHyperparameters` has it.
        teachers: Names of the teachers.

    Raises:
        InvalidArgumentError: If one is there without the other.
    """
    if loss == DISTILLATION and not teachers:
        msg = (
            "The loss 'distillation' needs a teacher, got none: name a cross-encoder "
            "(`bundled`, a folder, or a hub id), or choose another loss."
        )
        raise InvalidArgumentError(msg)
    if loss != DISTILLATION and teachers:
        msg = (
            f"A teacher belongs to the loss 'distillation', got {', '.join(teachers)} with the "
            f"loss {loss!r}: leave the teacher out, or choose 'distillation'."
        )
        raise InvalidArgumentError(msg)


def teacher_scores(
    teachers: Sequence[str | Path],
    groups: Sequence[TrainingGroup],
    file: Path,
    *,
    progress: bool = True,
) -> list[list[float]]:
    """What teachers think of each group on average, or read what an earlier call has written.

    A passage longer than a teacher reads gets the best score of its windows. The scores are the
    teachers' calibrated log-odds, so that one softmax is not flat and another's a single peak for
    the scale of the logits alone, and each teacher of several has its say.

    Args:
        teachers: Each "bundled", a folder, or a hub id; see `load_cross_encoder`.
        groups: The groups.
        file: Where the scores are kept; whole or absent, so that a stopped call starts again.
        progress: Whether to show a progress bar with the time left on standard error.

    Returns:
        For each group the score of its positive, then those of its negatives.

    Raises:
        InvalidArgumentError: If there is no teacher, or a name is empty.
        MissingExtraError: If a teacher needs the `[torch]` extra.
        ModelError: If a teacher cannot be loaded, or fails.
        CorpusError: If the file is broken, or holds the scores of other groups.
    """
    if not file.is_file():
        if not teachers:
            msg = "Expected a teacher at least, got none."
            raise InvalidArgumentError(msg)
        scored = [_scored_by(load_cross_encoder(name), groups, progress) for name in teachers]
        write_records(file, _records(groups, scored))
    return list(_read(file, groups))


def _scored_by(
    model: CrossEncoder, groups: Sequence[TrainingGroup], progress: bool
) -> list[NDArray[np.float64]]:
    """One teacher's log-odds of each group."""
    fitted = model.calibration
    bar = track(
        groups,
        description=f"Scoring by {model.model_id}",
        console=Console(stderr=True),
        disable=not progress,
    )
    return [
        fitted.scale * score_passages(model, group.query, [group.positive, *group.negatives])
        + fitted.shift
        for group in bar
    ]


def _records(
    groups: Sequence[TrainingGroup], scored: Sequence[Sequence[NDArray[np.float64]]]
) -> Iterator[dict[str, Any]]:
    for group, *scores in zip(groups, *scored, strict=True):
        mean = np.mean(scores, axis=0)
        yield {"query": group.query, "scores": [round(float(score), 5) for score in mean]}


def _read(file: Path, groups: Sequence[TrainingGroup]) -> Iterator[list[float]]:
    records = list(read_records(file))
    if len(records) != len(groups):
        msg = (
            f"{file}: expected the scores of {len(groups):,} groups, got {len(records):,}; delete "
            "the file to have them scored again"
        )
        raise CorpusError(msg)
    for group, (where, record) in zip(groups, records, strict=True):
        yield _scores(group, record, where)


def _scores(group: TrainingGroup, record: Mapping[str, Any], where: str) -> list[float]:
    scores = record.get("scores")
    if record.get("query") != group.query:
        raise CorpusError(expected(where, f"the query {group.query!r}", record.get("query")))
    wanted = 1 + len(group.negatives)
    if (
        not isinstance(scores, list)
        or len(scores) != wanted
        or not all(type(score) in (int, float) for score in scores)
    ):
        raise CorpusError(expected(where, f"{wanted} numbers in 'scores'", scores))
    return [float(score) for score in scores]

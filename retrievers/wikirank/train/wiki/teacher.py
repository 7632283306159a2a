"""A teacher's scores of the training groups, for distillation: scored once, and kept in a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from wikirank._json_lines import expected, read_records, write_records
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.rank import CrossEncoder, load_cross_encoder, score_passages
from wikirank.train.wiki.groups import TrainingGroup

TEACHER_FILE = "teacher.jsonl.gz"
DISTILLATION = "distillation"


def check_teacher(loss: str, teacher: str | None) -> None:
    """Raise unless there is a teacher exactly where the loss has a use for one.

    Args:
        loss: Name of the loss, as `GroupHyperparameters` has it.
        teacher: Name of the teacher.

    Raises:
        InvalidArgumentError: One is there without the other.
    """
    if loss == DISTILLATION and teacher is None:
        msg = (
            "The loss 'distillation' needs a teacher, got none: name a cross-encoder "
            "(`bundled`, a folder, or a hub id), or choose another loss."
        )
        raise InvalidArgumentError(msg)
    if loss != DISTILLATION and teacher is not None:
        msg = (
            f"A teacher belongs to the loss 'distillation', got {teacher!r} with the loss "
            f"{loss!r}: leave the teacher out, or choose 'distillation'."
        )
        raise InvalidArgumentError(msg)


def teacher_scores(
    teacher: str | Path,
    groups: Sequence[TrainingGroup],
    file: Path,
    *,
    progress: bool = True,
) -> list[list[float]]:
    """What a teacher thinks of each group, or read what an earlier call has written.

    A passage longer than the teacher reads gets the best score of its windows. The scores are the
    teacher's calibrated log-odds, so that one softmax is not flat and another's a single peak for
    the scale of the logits alone.

    Args:
        teacher: "bundled", a folder, or a hub id; see `load_cross_encoder`.
        groups: The groups.
        file: Where the scores are kept; whole or absent, so that a stopped call starts again.
        progress: Whether to show a progress bar with the time left on standard error.

    Returns:
        For each group the score of its positive, then those of its negatives.

    Raises:
        InvalidArgumentError: The teacher's name is empty.
        MissingExtraError: The teacher needs the `[torch]` extra.
        ModelError: The teacher cannot be loaded, or fails.
        CorpusError: The file is broken, or holds the scores of other groups.
    """
    if not file.is_file():
        model = load_cross_encoder(teacher)
        bar = track(
            groups,
            description=f"Scoring by {model.model_id}",
            console=Console(stderr=True),
            disable=not progress,
        )
        write_records(file, _records(model, bar))
    return list(_read(file, groups))


def _records(model: CrossEncoder, groups: Iterable[TrainingGroup]) -> Iterator[dict[str, Any]]:
    fitted = model.calibration
    for group in groups:
        logits = score_passages(model, group.query, [group.positive, *group.negatives])
        scores = fitted.scale * logits + fitted.shift
        yield {"query": group.query, "scores": [round(float(score), 5) for score in scores]}


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

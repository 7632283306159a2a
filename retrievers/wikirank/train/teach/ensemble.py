"""Score training groups with several teachers, and weigh the teachers.

Each teacher's scores are kept in files of some hundred groups, so that a stopped run can resume.
The weights are fitted on held-out lists of people's questions if there are enough. Then the
weighted sum ranks better than any single teacher, and its softmax is as sharp as the teachers are
reliable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from wikirank._json_lines import expected, read_records, write_records
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.rank import best_first
from wikirank.train.calibrate.conditional_logit import fit_conditional_logit, spread_within
from wikirank.train.calibrate.measure import AT_K, order_metrics
from wikirank.train.data.candidate_lists import MISSED, CandidateList
from wikirank.train.data.prepare import WikiData
from wikirank.train.teach.teacher import QueryTexts, Teacher, TeacherKind, load_teacher
from wikirank.train.wiki.record import TeacherRecord, TeachingRecord

FEWEST_LISTS = 20
"""Weights are not fitted on fewer held-out lists of people's questions with a found positive."""
MOST_LISTS = 200
_LISTS_PER_FILE = 200
_FOLDS = 5
_MIN_SPREAD = 1e-3

Scores = list[NDArray[np.float64]]


def teach(
    names: Sequence[str],
    data: WikiData,
    folder: Path,
    *,
    answer_evidence: float = 0.0,
    progress: bool = True,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[list[list[float]], TeachingRecord]:
    """Score the groups by the weighted sum of the teachers, or read the scores of an earlier call.

    If dev has enough lists of people's questions, the weights make their positives most likely
    under a softmax (`fit_conditional_logit`), so that they also reflect how reliable the teachers
    are. Otherwise all teachers have equal influence: each one's scores are divided by their spread
    within groups, and the sum is scaled to the teachers' mean spread.

    Args:
        names: Names of the teachers, see `load_teacher`.
        data: Groups to score, and dev lists to weigh the teachers on.
        folder: Folder to keep the scores in.
        answer_evidence: Log-odds to add to the score of a question's passage that contains a known
            answer.
        progress: Whether to show a progress bar with the time left on standard error.
        report: Called with a sentence on each teacher, and one on all together.

    Returns:
        The scores of each group (positive first, then negatives), then of each question's passages;
        and the weights of the teachers.

    Raises:
        InvalidArgumentError: If there is no teacher, a name is empty, or no teacher is better than
            chance.
        MissingExtraError: If a teacher needs the `[torch]` extra.
        ModelError: If a teacher cannot be loaded, or fails.
        CorpusError: If a file is broken, or holds the scores of other groups.
    """
    if not names:
        msg = "Expected a teacher or more, got none. Name a model to learn from."
        raise InvalidArgumentError(msg)
    groups = [(group.query, [group.positive, *group.negatives]) for group in data.groups]
    groups += [(group.query, group.passages) for group in data.questions]
    dev, fit = _dev_lists(data.dev)
    lists = [
        *groups,
        *((candidate_list.query, candidate_list.candidates) for candidate_list in dev),
    ]
    kinds, scored = [], []
    for number, name in enumerate(names, start=1):
        teacher = _LazyTeacher(name)
        teacher_folder = folder / f"teacher-{number}"
        kinds.append(_kind(teacher, teacher_folder))
        scored.append(list(_scores(teacher, lists, teacher_folder, progress=progress)))
    features = [np.stack(rows, axis=1) for rows in zip(*scored, strict=True)]
    group_features, dev_features = features[: len(groups)], features[len(groups) :]
    weights, record = _weigh(names, kinds, group_features, dev_features, dev, fit=fit)
    for line in record.lines():
        report(line)
    summed = [rows @ weights for rows in group_features]
    for row, question in enumerate(data.questions, start=len(data.groups)):
        summed[row] = summed[row] + answer_evidence * np.array(question.holds_answer)
    return [row.tolist() for row in summed], record


class _LazyTeacher:
    """A teacher that is only loaded if scores are missing."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def model(self) -> Teacher:
        return load_teacher(self.name)


def _kind(teacher: _LazyTeacher, folder: Path) -> TeacherKind:
    """Return the teacher's kind, which is kept beside its scores."""
    file = folder / "kind.jsonl"
    if not file.is_file():
        write_records(file, [{"name": teacher.name, "kind": teacher.model.kind}])
    ((_, record),) = read_records(file)
    kind: TeacherKind = record["kind"]
    return kind


def _scores(
    teacher: _LazyTeacher, lists: Sequence[QueryTexts], folder: Path, *, progress: bool
) -> Iterator[NDArray[np.float64]]:
    """Yield a teacher's scores of each list. Files that exist are read, others written."""
    bar = track(
        range(0, len(lists), _LISTS_PER_FILE),
        description=f"Scoring by {teacher.name}",
        console=Console(stderr=True),
        disable=not progress,
    )
    for start in bar:
        part = lists[start : start + _LISTS_PER_FILE]
        file = folder / f"{start // _LISTS_PER_FILE:05}.jsonl.gz"
        if not file.is_file():
            write_records(file, map(_record, part, teacher.model.scores(part)))
        yield from _read(file, part)


def _record(scored: QueryTexts, scores: NDArray[np.float64]) -> dict[str, Any]:
    return {"query": scored[0], "scores": [round(float(score), 5) for score in scores]}


def _read(file: Path, lists: Sequence[QueryTexts]) -> Iterator[NDArray[np.float64]]:
    records = list(read_records(file))
    if len(records) != len(lists):
        msg = (
            f"{file}: expected the scores of {len(lists):,} groups, got {len(records):,}. Delete "
            "its folder to score them again."
        )
        raise CorpusError(msg)
    for (query, texts), (where, record) in zip(lists, records, strict=True):
        yield _parse(query, len(texts), record, where)


def _parse(query: str, n: int, record: Mapping[str, Any], where: str) -> NDArray[np.float64]:
    scores = record.get("scores")
    if record.get("query") != query:
        raise CorpusError(expected(where, f"the query {query!r}", record.get("query")))
    if (
        not isinstance(scores, list)
        or len(scores) != n
        or not all(type(score) in (int, float) for score in scores)
    ):
        raise CorpusError(expected(where, f"{n} numbers in 'scores'", scores))
    return np.array(scores, dtype=np.float64)


def _dev_lists(dev: Sequence[CandidateList]) -> tuple[list[CandidateList], bool]:
    """Return the lists to compare teachers on, and whether weights can be fitted on them."""
    from_pairs = [candidate_list for candidate_list in dev if candidate_list.is_of_a_pair]
    enough = sum(pair_list.positive_rank != MISSED for pair_list in from_pairs) >= FEWEST_LISTS
    return list(from_pairs if enough else dev)[:MOST_LISTS], enough


def _weigh(
    names: Sequence[str],
    kinds: Sequence[TeacherKind],
    groups: Scores,
    features: Scores,
    dev: Sequence[CandidateList],
    *,
    fit: bool,
) -> tuple[NDArray[np.float64], TeachingRecord]:
    """Return fitted or balanced weights of the teachers, and their record."""
    weights = _fit_weights(features, dev) if fit else _balanced_weights(groups)
    orders = [[best_first(rows[:, number]) for rows in features] for number in range(len(names))]
    together = _cross_validate(features, dev) if fit else [rows @ weights for rows in features]
    teachers = [
        TeacherRecord(str(name), kind, round(float(weight), 4), _mrr(dev, order))
        for name, kind, weight, order in zip(names, kinds, weights, orders, strict=True)
    ]
    mrr = _mrr(dev, [best_first(scores) for scores in together])
    return weights, TeachingRecord(teachers, mrr, len(dev), fit)


def _balanced_weights(groups: Scores) -> NDArray[np.float64]:
    spread = spread_within(groups)
    weights: NDArray[np.float64] = spread.mean() / len(spread) / np.where(spread > 0, spread, 1.0)
    return weights


def _fit_weights(features: Scores, dev: Sequence[CandidateList]) -> NDArray[np.float64]:
    spread = spread_within(features)
    retrieved = [
        (rows, candidate_list.positive_rank)
        for rows, candidate_list in zip(features, dev, strict=True)
        if candidate_list.positive_rank != MISSED
    ]
    weights = fit_conditional_logit(retrieved, least=[0.0] * len(spread))
    if weights @ spread <= _MIN_SPREAD:
        msg = (
            "Expected a teacher that scores relevant passages higher than others, got none on "
            f"{len(retrieved)} held-out lists. Name another teacher."
        )
        raise InvalidArgumentError(msg)
    return weights


def _cross_validate(features: Scores, dev: Sequence[CandidateList]) -> Scores:
    """Score each list with weights fitted on the other folds. List n is in fold n modulo 5."""
    scores = list(features)
    for fold in range(_FOLDS):
        others = [number for number in range(len(dev)) if number % _FOLDS != fold]
        weights = _fit_weights([features[n] for n in others], [dev[n] for n in others])
        for number in range(fold, len(dev), _FOLDS):
            scores[number] = features[number] @ weights
    return scores


def _mrr(dev: Sequence[CandidateList], orders: Sequence[Sequence[int]]) -> float:
    return round(order_metrics(dev, orders, AT_K)[f"mrr@{AT_K}"], 4)

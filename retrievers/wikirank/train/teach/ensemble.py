"""What several teachers say together of training groups: scored once, kept in files, weighed.

Each teacher's own scores are kept, some hundred groups a file, so that a stopped run goes on where
it was. Weights are fitted on held-out lists of people's questions where there are enough, so that
the teachers together rank better than any of them, and as sharply as they are sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
"""Held-out lists of people's questions, their positives found, below which no weight is fitted."""
MOST_LISTS = 200
_A_FILE = 200
_FOLDS = 5
_LEAST = 1e-3

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
    """What teachers together think of each group, or read what an earlier call has written.

    The score is the weighted sum of the teachers'. Where dev has lists of people's questions, the
    weights make their positives most likely under a softmax (`fit_conditional_logit`), so they say
    also how sure the teachers are. Else each has the same say: its scores are divided by their
    spread within groups, and the sum has the mean spread of all.

    Args:
        names: Each of a teacher; see `load_teacher`.
        data: The groups to score, and the dev lists to weigh the teachers by.
        folder: Where their scores are kept.
        answer_evidence: What the score of a question's passage gains where it holds an answer that
            is known.
        progress: Whether to show a progress bar with the time left on standard error.
        report: Called with a sentence a teacher.

    Returns:
        For each group the score of its positive, then those of its negatives; then for each
        question those of its passages; and how the teachers were weighed.

    Raises:
        InvalidArgumentError: If there is no teacher, a name is empty, or none beats chance.
        MissingExtraError: If a teacher needs the `[torch]` extra.
        ModelError: If a teacher cannot be loaded, or fails.
        CorpusError: If a file is broken, or holds the scores of other groups.
    """
    if not names:
        msg = "Expected a teacher at least, got none. Name a model to learn from."
        raise InvalidArgumentError(msg)
    groups = [(group.query, [group.positive, *group.negatives]) for group in data.groups]
    groups += [(group.query, group.passages) for group in data.questions]
    dev, of_people = _dev_lists(data.dev)
    lists = [*groups, *((one.query, one.candidates) for one in dev)]
    kinds, scored = [], []
    for number, name in enumerate(names, start=1):
        teacher = _Lazy(name)
        kinds.append(_kept_kind(teacher, folder / f"teacher-{number}"))
        scored.append(
            list(_scores(teacher, lists, folder / f"teacher-{number}", progress=progress))
        )
    features = [np.stack(rows, axis=1) for rows in zip(*scored, strict=True)]
    of_groups, of_dev = features[: len(groups)], features[len(groups) :]
    weights, record = _weigh(names, kinds, of_groups, of_dev, dev, fit=of_people)
    for line in record.lines():
        report(line)
    summed = [rows @ weights for rows in of_groups]
    for row, question in enumerate(data.questions, start=len(data.groups)):
        summed[row] = summed[row] + answer_evidence * np.array(question.holds_answer)
    return [row.tolist() for row in summed], record


class _Lazy:
    """A teacher that is loaded when it is asked: not where all its scores are kept."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._teacher: Teacher | None = None

    def load(self) -> Teacher:
        self._teacher = self._teacher or load_teacher(self.name)
        return self._teacher


def _kept_kind(teacher: _Lazy, folder: Path) -> TeacherKind:
    file = folder / "kind.jsonl"
    if not file.is_file():
        write_records(file, [{"name": teacher.name, "kind": teacher.load().kind}])
    ((_, record),) = read_records(file)
    kind: TeacherKind = record["kind"]
    return kind


def _scores(
    teacher: _Lazy, lists: Sequence[QueryTexts], folder: Path, *, progress: bool
) -> Iterator[NDArray[np.float64]]:
    """A teacher's scores of each list, a file of them after the other."""
    bar = track(
        range(0, len(lists), _A_FILE),
        description=f"Scoring by {teacher.name}",
        console=Console(stderr=True),
        disable=not progress,
    )
    for start in bar:
        part = lists[start : start + _A_FILE]
        file = folder / f"{start // _A_FILE:05}.jsonl.gz"
        if not file.is_file():
            write_records(file, map(_record, part, teacher.load().scores(part)))
        yield from _read(file, part)


def _record(scored: QueryTexts, scores: NDArray[np.float64]) -> dict[str, Any]:
    return {"query": scored[0], "scores": [round(float(score), 5) for score in scores]}


def _read(file: Path, lists: Sequence[QueryTexts]) -> Iterator[NDArray[np.float64]]:
    records = list(read_records(file))
    if len(records) != len(lists):
        msg = (
            f"{file}: expected the scores of {len(lists):,} groups, got {len(records):,}. Delete "
            "its folder to have them scored again."
        )
        raise CorpusError(msg)
    for (query, texts), (where, record) in zip(lists, records, strict=True):
        yield _checked(query, len(texts), record, where)


def _checked(query: str, wanted: int, record: Mapping[str, Any], where: str) -> NDArray[np.float64]:
    scores = record.get("scores")
    if record.get("query") != query:
        raise CorpusError(expected(where, f"the query {query!r}", record.get("query")))
    if (
        not isinstance(scores, list)
        or len(scores) != wanted
        or not all(type(score) in (int, float) for score in scores)
    ):
        raise CorpusError(expected(where, f"{wanted} numbers in 'scores'", scores))
    return np.array(scores, dtype=np.float64)


def _dev_lists(dev: Sequence[CandidateList]) -> tuple[list[CandidateList], bool]:
    """The lists to weigh teachers by, and whether they are of people's questions, and enough."""
    of_people = [one for one in dev if one.is_of_a_pair]
    enough = sum(one.positive_rank != MISSED for one in of_people) >= FEWEST_LISTS
    return list(of_people if enough else dev)[:MOST_LISTS], enough


def _weigh(
    names: Sequence[str],
    kinds: Sequence[TeacherKind],
    groups: Scores,
    features: Scores,
    dev: Sequence[CandidateList],
    *,
    fit: bool,
) -> tuple[NDArray[np.float64], TeachingRecord]:
    """Weights of the teachers' scores, fitted or equal, and the record of it."""
    weights = _fitted(features, dev) if fit else _equal(groups)
    orders = [[best_first(rows[:, number]) for rows in features] for number in range(len(names))]
    together = _held_out(features, dev) if fit else [rows @ weights for rows in features]
    teachers = [
        TeacherRecord(str(name), kind, round(float(weight), 4), _mrr(dev, order))
        for name, kind, weight, order in zip(names, kinds, weights, orders, strict=True)
    ]
    mrr = _mrr(dev, [best_first(scores) for scores in together])
    return weights, TeachingRecord(teachers, mrr, len(dev), fit)


def _equal(groups: Scores) -> NDArray[np.float64]:
    spread = spread_within(groups)
    weights: NDArray[np.float64] = spread.mean() / len(spread) / np.where(spread > 0, spread, 1.0)
    return weights


def _fitted(features: Scores, dev: Sequence[CandidateList]) -> NDArray[np.float64]:
    spread = spread_within(features)
    retrieved = [
        (rows, one.positive_rank)
        for rows, one in zip(features, dev, strict=True)
        if one.positive_rank != MISSED
    ]
    weights = fit_conditional_logit(retrieved, least=[0.0] * len(spread))
    if weights @ spread <= _LEAST:
        msg = (
            "Expected a teacher that scores right passages higher than others, got none on "
            f"{len(retrieved)} held-out lists. Name another teacher."
        )
        raise InvalidArgumentError(msg)
    return weights


def _held_out(features: Scores, dev: Sequence[CandidateList]) -> Scores:
    """Scores of each list by weights that were fitted without it; list n is in fold n modulo 5."""
    scores = list(features)
    for fold in range(_FOLDS):
        others = [number for number in range(len(dev)) if number % _FOLDS != fold]
        weights = _fitted([features[n] for n in others], [dev[n] for n in others])
        for number in range(fold, len(dev), _FOLDS):
            scores[number] = features[number] @ weights
    return scores


def _mrr(dev: Sequence[CandidateList], orders: Sequence[Sequence[int]]) -> float:
    return round(order_metrics(dev, orders, AT_K)[f"mrr@{AT_K}"], 4)

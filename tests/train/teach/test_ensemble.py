"""Ensembles of teachers, with the bundled models as teachers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.train.data import CandidateList, QuestionGroup, TrainingGroup
from wikirank.train.data.prepare import WikiData
from wikirank.train.teach.teacher import check_teachers, load_teacher
from wikirank.train.wiki.record import TeachingRecord

pytest.importorskip("scipy", reason="needs the [train] extra")

from wikirank.train.calibrate.conditional_logit import fit_conditional_logit
from wikirank.train.teach.ensemble import teach

pytestmark = pytest.mark.train

GROUPS = [
    TrainingGroup("Who hunts herring?", "Cod and seals hunt herring.", ["Bread is food."], "pair"),
    TrainingGroup("What is bread?", "Bread is food.", ["Cod hunt.", "A violin."], "pair"),
]
QUESTION = QuestionGroup("colour of the fox", ["The fox is red.", "Frogs."], [True, False])
ANIMALS = ["fox", "frog", "whale", "goose", "crow", "bear", "wolf", "owl", "seal", "cod"]


def dev_lists(n: int) -> list[CandidateList]:
    """Human questions; the answer is the second of three, and one list lacks it."""
    lists = []
    for at in range(n):
        animal, other, third = (ANIMALS[(at + step) % 10] for step in range(3))
        texts = [f"The {one} lives in hut {at}." for one in (other, animal, third)]
        unknown: list[float | None] = [None] * 3
        place = 1 if at else -1
        lists.append(
            CandidateList(
                f"where is the {animal}", "pair", texts[1], texts, place, unknown, unknown
            )
        )
    return lists


def test_a_single_teacher_is_followed_and_asked_once(tmp_path: Path) -> None:
    data = WikiData(GROUPS, dev_lists(2), [], [QUESTION])
    scores, record = teach(["bundled"], data, tmp_path, progress=False)
    teacher = load_teacher("bundled")
    for group, row in zip(GROUPS, scores, strict=False):
        (own,) = teacher.scores([(group.query, [group.positive, *group.negatives])])
        assert row == pytest.approx(own, abs=1e-4)
    assert len(scores) == 3
    assert (record.fitted, record.lists, record.teachers[0].weight) == (False, 2, 1.0)
    # All scores are cached, so the teacher is not even loaded.
    assert teach(["no/such/teacher"], data, tmp_path, progress=False)[0] == scores


def test_an_answer_adds_its_evidence(tmp_path: Path) -> None:
    data = WikiData(GROUPS[:1], dev_lists(2), [], [QUESTION])
    bare, with_answer = (
        teach(["bundled-embedder"], data, tmp_path, answer_evidence=evidence, progress=False)[0]
        for evidence in (0.0, 1.5)
    )
    assert with_answer[0] == bare[0]
    assert np.subtract(with_answer[1], bare[1]) == pytest.approx([1.5, 0.0])


def test_without_peoples_questions_each_has_the_same_say(tmp_path: Path) -> None:
    names = ["bundled", "bundled-embedder"]
    said: list[str] = []
    data = WikiData(GROUPS, dev_lists(5), [])
    scores, record = teach(names, data, tmp_path, progress=False, report=said.append)
    lists = [(group.query, [group.positive, *group.negatives]) for group in GROUPS]
    own = [load_teacher(name).scores(lists) for name in names]
    centred = [np.concatenate([row - row.mean() for row in rows]) for rows in own]
    spreads = [np.sqrt((values**2).mean()) for values in centred]
    for row, *each in zip(scores, *own, strict=True):
        parts = [one / spread for one, spread in zip(each, spreads, strict=True)]
        assert row == pytest.approx(sum(parts) / 2 * np.mean(spreads), abs=0.01)
    assert not record.fitted
    assert "together (balanced weights)" in said[-1]
    assert [one.kind for one in record.teachers] == ["cross-encoder", "bi-encoder"]


def test_weights_are_fitted_on_peoples_questions(tmp_path: Path) -> None:
    names = ["bundled", "bundled-embedder"]
    data = WikiData(GROUPS, dev_lists(25), [])
    scores, record = teach(names, data, tmp_path, progress=False)
    assert (record.fitted, record.lists) == (True, 25)
    assert max(teacher.mrr for teacher in record.teachers) <= 24 / 25  # one positive was missed
    assert sum(teacher.weight for teacher in record.teachers) > 0
    assert all(row[0] == max(row) for row in scores)
    assert TeachingRecord.of(asdict(record)) == record


def test_the_teacher_that_knows_gets_the_weight() -> None:
    rng = np.random.default_rng(1)
    lists = []
    for number in range(60):
        features = rng.normal(size=(8, 2))
        features[number % 8, 1] += 2.0  # only the second knows the positive
        lists.append((features, number % 8))
    chance, knowing = fit_conditional_logit(lists, least=[0.0, 0.0])
    assert chance < 0.4
    assert 1.2 < knowing < 3.0  # the scores were made with weight 2


def test_scores_of_other_groups_are_refused(tmp_path: Path) -> None:
    data = WikiData(GROUPS, dev_lists(2), [])
    teach(["bundled-embedder"], data, tmp_path, progress=False)
    with pytest.raises(CorpusError, match=r"scores of 3 groups, got 4\. Delete"):
        teach(["bundled-embedder"], WikiData(GROUPS[:1], dev_lists(2), []), tmp_path)
    with pytest.raises(CorpusError, match="line 1: expected the query 'What is bread"):
        teach(["bundled-embedder"], WikiData(GROUPS[::-1], dev_lists(2), []), tmp_path)
    fewer = [GROUPS[0], TrainingGroup("What is bread?", "Bread is food.", ["Cod hunt."], "pair")]
    with pytest.raises(CorpusError, match="line 2: expected 2 numbers"):
        teach(["bundled-embedder"], WikiData(fewer, dev_lists(2), []), tmp_path)
    with pytest.raises(InvalidArgumentError, match="Expected a teacher"):
        teach([], data, tmp_path)


def test_a_teacher_goes_with_distillation_alone() -> None:
    check_teachers("both", [])
    check_teachers("distillation", ["bundled"], questions=True)
    with pytest.raises(InvalidArgumentError, match="teacher for the loss 'distillation', got none"):
        check_teachers("distillation", [])
    with pytest.raises(InvalidArgumentError, match="teacher for unlabelled questions"):
        check_teachers("both", [], questions=True)
    with pytest.raises(InvalidArgumentError, match="with the loss 'bce', got bundled"):
        check_teachers("bce", ["bundled"])

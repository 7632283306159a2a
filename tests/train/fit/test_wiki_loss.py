"""The losses over groups, by hand; and what a teacher thinks of groups."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.train.data import TrainingGroup
from wikirank.train.fit.teacher import check_teachers, teacher_scores

torch = pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = pytest.mark.train

GROUPS = [
    TrainingGroup("Who hunts herring?", "Cod and seals hunt herring.", ["Bread is food."], "pair"),
    TrainingGroup("What is bread?", "Bread is food.", ["Cod hunt.", "A violin."], "pair"),
]


def test_listwise_loss_by_hand() -> None:
    from wikirank.train.fit.loss import listwise_loss

    logits = torch.tensor([[math.log(3.0), 0.0, 0.0], [5.0, 5.0, 5.0]])
    targets = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    # The softmax gives the positives 3/5 and 1/3.
    expected = -(math.log(3 / 5) + math.log(1 / 3)) / 2
    assert listwise_loss(logits, targets).item() == pytest.approx(expected)


def test_binary_loss_by_hand() -> None:
    from wikirank.train.fit.loss import binary_loss

    logits = torch.tensor([[math.log(3.0), 0.0, -math.log(3.0)]])
    targets = torch.tensor([[1.0, 0.0, 0.0]])
    # The sigmoids are 3/4, 1/2 and 1/4; the positive counts twice, once for each negative.
    expected = -(2 * math.log(3 / 4) + math.log(1 / 2) + math.log(3 / 4)) / 3
    assert binary_loss(logits, targets).item() == pytest.approx(expected)


def test_distillation_loss_by_hand() -> None:
    from wikirank.train.fit.loss import distillation_loss

    logits = torch.tensor([[0.0, math.log(3.0)], [0.0, 1.0]])
    teacher = torch.tensor([[2.0, 2.0], [7.0, 8.0]])
    # The first row's softmax is (1/4, 3/4), the teacher's (1/2, 1/2); the second row agrees.
    expected = (math.log(2) / 2 + math.log(2 / 3) / 2) / 2
    assert distillation_loss(logits, teacher).item() == pytest.approx(expected)


ROWS = arrays(np.float64, (3, 4), elements=st.floats(-8, 8))


@settings(deadline=None, max_examples=25)
@given(ROWS, ROWS, st.floats(-5, 5))
def test_distillation_wants_the_teachers_softmax(
    one: np.ndarray, other: np.ndarray, shift: float
) -> None:
    from wikirank.train.fit.loss import distillation_loss

    logits, teacher = torch.from_numpy(one), torch.from_numpy(other)
    loss = distillation_loss(logits, teacher).item()
    assert loss >= -1e-9
    assert distillation_loss(logits + shift, teacher).item() == pytest.approx(loss, abs=1e-9)
    assert distillation_loss(teacher + shift, teacher).item() == pytest.approx(0, abs=1e-9)


def test_each_kind_is_its_formula_on_the_models_logits(torch_reranker: Path) -> None:
    from sentence_transformers import CrossEncoder

    from wikirank.train.fit.loss import GroupLoss, binary_loss, distillation_loss, listwise_loss

    model = CrossEncoder(str(torch_reranker), device="cpu")
    # More pairs than one run takes, of lengths in no order.
    queries = [f"What is number {number}?" for number in range(6)]
    texts = [[f"{'very ' * (3 * i * j % 5)}long {i} {j}" for j in range(4)] for i in range(6)]
    labels = [torch.tensor([1, 0, 0, 0])] * 6
    scores = [[float(i), 1.0, -1.0, float(-i)] for i in range(6)]
    pairs = [(query, text) for query, row in zip(queries, texts, strict=True) for text in row]
    logits = torch.tensor(model.predict(pairs, activation_fn=torch.nn.Identity())).view(6, 4)
    targets = torch.stack(labels).float()
    binary, listwise = binary_loss(logits, targets), listwise_loss(logits, targets)
    distilled = distillation_loss(logits, torch.tensor(scores))
    expected = {
        "listwise": listwise,
        "bce": binary,
        "both": listwise + 0.25 * binary,
        "distillation": distilled + 0.25 * binary,
    }
    for name, value in expected.items():
        given_scores = [scores] if name == "distillation" else []
        loss = GroupLoss(model, loss=name, bce_weight=0.25)
        with torch.no_grad():
            got = loss((queries, texts, *given_scores), labels)
        assert got.item() == pytest.approx(value.item(), abs=1e-4), name
    with pytest.raises(InvalidArgumentError, match="listwise, bce, distillation, got 'mse'"):
        GroupLoss(model, loss="mse")


def test_teacher_scores_once(onnx_reranker: Path, tmp_path: Path) -> None:
    file = tmp_path / "data" / "teacher.jsonl.gz"
    scores = teacher_scores([str(onnx_reranker)], GROUPS, file, progress=False)
    model = load_cross_encoder(onnx_reranker)
    for group, row in zip(GROUPS, scores, strict=True):
        logits = score_passages(model, group.query, [group.positive, *group.negatives])
        assert row == pytest.approx(2.0 * logits - 0.5, abs=1e-4)  # as the model is calibrated
    written = file.read_bytes()
    assert teacher_scores(["no/such/teacher"], GROUPS, file, progress=False) == scores
    assert file.read_bytes() == written


def test_several_teachers_are_averaged(onnx_reranker: Path, tmp_path: Path) -> None:
    one, other = (
        teacher_scores([name], GROUPS, tmp_path / f"{index}.jsonl", progress=False)
        for index, name in enumerate((onnx_reranker, "bundled"))
    )
    both = teacher_scores([onnx_reranker, "bundled"], GROUPS, tmp_path / "b", progress=False)
    for rows in zip(one, other, both, strict=True):
        first, second, mean = map(np.array, rows)
        assert mean == pytest.approx((first + second) / 2, abs=1e-4)
    with pytest.raises(InvalidArgumentError, match="Expected a teacher"):
        teacher_scores([], GROUPS, tmp_path / "none.jsonl")


def test_scores_of_other_groups_are_refused(onnx_reranker: Path, tmp_path: Path) -> None:
    file = tmp_path / "teacher.jsonl"
    teacher_scores([str(onnx_reranker)], GROUPS, file, progress=False)
    with pytest.raises(CorpusError, match="scores of 1 groups, got 2; delete"):
        teacher_scores(["bundled"], GROUPS[:1], file)
    with pytest.raises(CorpusError, match="line 1: expected the query 'What is bread"):
        teacher_scores(["bundled"], GROUPS[::-1], file)
    fewer = [GROUPS[0], TrainingGroup("What is bread?", "Bread is food.", ["Cod hunt."], "pair")]
    with pytest.raises(CorpusError, match="line 2: expected 2 numbers"):
        teacher_scores(["bundled"], fewer, file)


def test_a_teacher_goes_with_distillation_alone() -> None:
    check_teachers("both", [])
    check_teachers("distillation", ["bundled"])
    with pytest.raises(InvalidArgumentError, match="needs a teacher"):
        check_teachers("distillation", [])
    with pytest.raises(InvalidArgumentError, match="got bundled with the loss 'bce'"):
        check_teachers("bce", ["bundled"])

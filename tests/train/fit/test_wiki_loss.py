"""Group losses against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wikirank.errors import InvalidArgumentError

torch = pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = pytest.mark.train


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
    # More pairs than fit in one run, with unordered lengths.
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


def test_groups_of_several_sizes_count_each_as_alone(torch_reranker: Path) -> None:
    """A labelled group of two, an unlabelled one of four, a labelled one of three."""
    from sentence_transformers import CrossEncoder

    from wikirank.train.fit.loss import GroupLoss

    model = CrossEncoder(str(torch_reranker), device="cpu")
    queries = ["What is bread?", "Who hunts herring?", "What is a violin?"]
    texts = [[f"Text {i} {j}" for j in range(n)] for i, n in enumerate((2, 4, 3))]
    labels = [torch.tensor(row) for row in ([1, 0], [0, 0, 0, 0], [0, 1, 0])]
    scores = [[2.0, 0.0], [1.0, 3.0, -1.0, 0.0], [0.0, 1.0, 5.0]]
    loss = GroupLoss(model, loss="distillation", bce_weight=0.5)
    taught = GroupLoss(model, loss="distillation", bce_weight=0.0)
    with torch.no_grad():
        got = loss((queries, texts, scores), labels).item()
        alone = [
            (taught if at == 1 else loss)(
                (queries[at : at + 1], texts[at : at + 1], scores[at : at + 1]), labels[at : at + 1]
            ).item()
            for at in range(3)
        ]
        # An unlabelled group counts in the distillation only.
        unlabelled = [loss((queries[1:2], texts[1:2], scores[1:2]), labels[1:2]).item()]
    assert got == pytest.approx(sum(alone) / 3, abs=1e-4)
    assert unlabelled == pytest.approx(alone[1:2], abs=1e-6)
    assert alone[1] > 0

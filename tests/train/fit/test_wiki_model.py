"""Model and loss of the wiki recipe: hand-worked values, and a head that loads anywhere."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.runtime.calibration import Calibration

torch = pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = pytest.mark.train

QUERY = "Who hunts herring?"
TEXTS = [
    "Cod, seals and gannets hunt herring all year round.",
    "Bread is a food baked from flour and water.",
    "The violin is a wooden instrument with four strings. " * 8,
]


@pytest.fixture(scope="module")
def modular(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence encoder under a new head, saved as sentence-transformers saves it."""
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.model import starting_model

    folder = tmp_path_factory.mktemp("modular") / "model"
    model = starting_model(find_base(str(minilm)), seed=3, max_length=128)
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def test_loss_by_hand() -> None:
    from wikirank.train.fit.loss import group_loss

    logits = torch.tensor([[math.log(3.0), 0.0]])
    targets = torch.tensor([[1.0, 0.0]])
    # softmax gives the positive 3/4; sigmoids give 3/4 and 1/2, one negative per positive
    listwise = -math.log(3 / 4)
    binary = (-math.log(3 / 4) - math.log(1 / 2)) / 2
    assert group_loss(logits, targets, bce_weight=0.0).item() == pytest.approx(listwise)
    assert group_loss(logits, targets, bce_weight=0.5).item() == pytest.approx(
        listwise + 0.5 * binary
    )


def test_binary_part_weighs_a_positive_as_all_its_negatives() -> None:
    from wikirank.train.fit.loss import group_loss

    targets = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    even = group_loss(torch.zeros(1, 4), targets, bce_weight=1.0).item()
    assert even == pytest.approx(math.log(4) + (3 + 3) * math.log(2) / 4)


def test_loss_of_a_model_is_that_of_its_logits(modular: Path) -> None:
    from sentence_transformers import CrossEncoder

    from wikirank.train.fit.loss import GroupLoss, group_loss

    model = CrossEncoder(str(modular), device="cpu", trust_remote_code=True)
    labels = [torch.tensor([1.0, 0.0])]
    with torch.no_grad():
        loss = GroupLoss(model, bce_weight=0.5)(([QUERY], [TEXTS[:2]]), labels)
    logits = torch.tensor(model.predict([(QUERY, text) for text in TEXTS[:2]])).view(1, 2)
    expected = group_loss(logits, torch.stack(labels), bce_weight=0.5)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-4)


def test_new_head_starts_from_the_cosine_and_loads_in_sentence_transformers(
    modular: Path,
) -> None:
    from sentence_transformers import CrossEncoder

    from wikirank.rank.pair_pooling import load_with_pair_head

    model = CrossEncoder(str(modular), device="cpu", trust_remote_code=True)
    pairs = [(QUERY, text) for text in TEXTS]
    logits = model.predict(pairs)
    order = [ranked["corpus_id"] for ranked in model.rank(QUERY, TEXTS)]
    assert order == list(np.argsort(-logits))
    assert order[0] == 0  # untrained, but better than chance
    assert load_with_pair_head(modular).predict(pairs) == pytest.approx(logits, abs=1e-5)


def test_pooling_by_hand() -> None:
    from wikirank.rank.pair_pooling import pair_head

    pooling, linear = pair_head(2, scale=8.0, shift=-4.0)
    states = [[3.0, 4.0], [3.0, 4.0], [0.0, 5.0], [0.0, 1.0], [9.0, 9.0]]
    features = linear(
        pooling(
            {
                "token_embeddings": torch.tensor([states]),
                "attention_mask": torch.tensor([[1, 1, 1, 1, 0]]),
                "token_type_ids": torch.tensor([[0, 0, 1, 1, 0]]),
            }
        )
    )
    # q = (0.6, 0.8) and p = (0, 1): the last token is padding. The cosine is 0.8.
    expected = [0, 0.8, 0.6, 0.2, 0, 1]
    assert features["sentence_embedding"][0].tolist() == pytest.approx(expected, abs=1e-6)
    assert features["scores"].item() == pytest.approx(8 * 0.8 - 4, abs=1e-5)


def test_new_head_runs_in_both_backends(modular: Path, tmp_path: Path) -> None:
    from wikirank.train.export.int8 import export_cross_encoder

    with_torch = load_cross_encoder(modular)
    assert with_torch.max_length == 128
    export_cross_encoder(
        modular,
        tmp_path / "onnx",
        model_id="modular",
        prepend_heading=True,
        calibration=Calibration(),
        max_length=128,
    )
    with_onnx = load_cross_encoder(tmp_path / "onnx")
    expected = score_passages(with_torch, QUERY, TEXTS)
    assert np.abs(score_passages(with_onnx, QUERY, TEXTS) - expected).max() < 0.1
    assert np.ptp(expected) > 0.01


def test_sentence_encoder_without_a_head_is_not_a_reranker(minilm: Path) -> None:
    with pytest.raises(ModelError, match="one trained label"):
        load_cross_encoder(minilm)


def test_layers_that_stay_are_evenly_spread_and_the_export_has_no_others(
    minilm: Path, tmp_path: Path
) -> None:
    from wikirank.train.export.int8 import export_cross_encoder
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.model import keep_layers, starting_model

    base = find_base(str(minilm))
    whole = starting_model(base, seed=3, max_length=128)
    half = starting_model(base, seed=3, max_length=128, layers=3)
    kept = [layer.attention.self.query.weight for layer in half.model.encoder.layer]
    held = [layer.attention.self.query.weight for layer in whole.model.encoder.layer]
    assert [next(index for index, w in enumerate(held) if torch.equal(w, own)) for own in kept] == [
        1,
        3,
        5,
    ]
    half.save_pretrained(str(tmp_path / "half"), create_model_card=False)
    export_cross_encoder(
        tmp_path / "half",
        tmp_path / "onnx",
        model_id="half",
        prepend_heading=True,
        calibration=Calibration(),
        max_length=128,
    )
    expected = score_passages(load_cross_encoder(tmp_path / "half"), QUERY, TEXTS)
    assert (
        np.abs(score_passages(load_cross_encoder(tmp_path / "onnx"), QUERY, TEXTS) - expected).max()
        < 0.1
    )
    for wrong in (0, 4):
        with pytest.raises(InvalidArgumentError, match="keep 1 to 3 layers of BertModel"):
            keep_layers(half, wrong)


def test_average_is_of_each_weight(minilm: Path) -> None:
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.model import average_weights, keep_layers, starting_model

    base = find_base(str(minilm))
    first, second, third = (starting_model(base, seed=3, max_length=64) for _ in range(3))
    with torch.no_grad():
        second[2].linear.weight.add_(3.0)
        third[2].linear.bias.sub_(6.0)
    before = first[2].linear.weight.clone()
    mean = average_weights([first, second, third])
    assert torch.allclose(mean[2].linear.weight, before + 1.0)
    assert mean[2].linear.bias.item() == pytest.approx(-4.0 - 2.0)
    keep_layers(second, 3)
    for others in ([], [first, second]):
        with pytest.raises(InvalidArgumentError, match="same weights"):
            average_weights(others)


def test_dropout_is_off_unless_asked_for(minilm: Path) -> None:
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.model import starting_model

    for asked in (0.0, 0.1):
        model = starting_model(find_base(str(minilm)), seed=3, max_length=64, dropout=asked)
        found = {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)}
        assert found == {asked}

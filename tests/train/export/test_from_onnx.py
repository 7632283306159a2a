"""Continued training from an int8 model: the rebuilt model equals the exported one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wikirank.errors import ModelError
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.model_folder import bundled_model, write_model_folder

torch = pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = [pytest.mark.train, pytest.mark.slow]

QUERY = "Who hunts herring?"
TEXTS = [
    "Cod, seals and gannets hunt herring all year round.",
    "Bread is a food baked from flour and water.",
    "The violin is a wooden instrument with four strings.",
]


@pytest.fixture(scope="module", params=["pair head", "classifier"])
def original(request: pytest.FixtureRequest, minilm: Path, torch_reranker: Path) -> Any:
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.model import starting_model

    folder = minilm if request.param == "pair head" else torch_reranker
    return starting_model(find_base(str(folder)), seed=3, max_length=128)


@pytest.fixture(scope="module")
def exported(original: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from wikirank.train.export.int8 import export_cross_encoder

    folder = tmp_path_factory.mktemp("exported") / "model"
    export_cross_encoder(
        original,
        folder,
        model_id="test/exported",
        prepend_heading=True,
        calibration=Calibration(),
        max_length=128,
    )
    return folder


@pytest.fixture(scope="module")
def rebuilt(exported: Path) -> Any:
    from wikirank.train.export.from_onnx import cross_encoder_from_onnx

    return cross_encoder_from_onnx(exported)


def logits(model: Any) -> Any:
    return model.predict([(QUERY, text) for text in TEXTS], show_progress_bar=False)


def test_each_weight_is_within_half_a_step_and_what_was_not_quantised_is_equal(
    original: Any, rebuilt: Any
) -> None:
    before, after = original.state_dict(), rebuilt.state_dict()
    assert before.keys() == after.keys()
    exported = [name for name in before if "pooler" not in name or "classifier.weight" in before]
    for name in exported:
        quantised = "word_embeddings" in name or (
            ".layer." in name and name.endswith(".weight") and "LayerNorm" not in name
        )
        steps = before[name].abs().amax(-1, keepdim=True) / 127 if quantised else 0.0
        # A table's scale covers [-1, 1] in 255 steps; the zero point may cost half a step more.
        off = (after[name] - before[name]).abs()
        assert bool((off <= 1.01 * steps + 1e-7).all()), name
        if quantised:
            assert off.max() > 0, name


def test_configuration_and_tokens_are_those_of_the_original(original: Any, rebuilt: Any) -> None:
    for name in (
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
        "type_vocab_size",
        "layer_norm_eps",
        "hidden_act",
    ):
        assert getattr(rebuilt.model.config, name) == getattr(original.model.config, name), name
    tokens = [model.tokenizer([QUERY], TEXTS[:1])["input_ids"] for model in (original, rebuilt)]
    assert tokens[0] == tokens[1]


def test_logits_are_those_of_the_int8_network_but_for_its_activations(
    original: Any, rebuilt: Any, exported: Path
) -> None:
    before, after = logits(original), logits(rebuilt)
    assert np.abs(after - before).max() < 0.1 * np.ptp(before)
    # The classifier's head is new, so its logits are so close that only an absolute bound works.
    assert np.abs(after - score_passages(load_cross_encoder(exported), QUERY, TEXTS)).max() < 0.1


def test_training_goes_on_from_the_bundled_model() -> None:
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.loss import group_loss
    from wikirank.train.fit.model import starting_model

    base = find_base("bundled")
    assert base.folder == bundled_model("cross-encoder")
    assert not base.new_head
    assert not base.fallback
    assert "dequantised from its int8 ONNX network" in base.describe()
    assert load_cross_encoder("bundled").model_id in base.describe()
    model = starting_model(base, seed=1, max_length=64)
    assert (
        np.abs(logits(model) - score_passages(load_cross_encoder("bundled"), QUERY, TEXTS)).max()
        < 1.0
    )
    features = model.tokenizer([QUERY] * 3, TEXTS, padding=True, return_tensors="pt")
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    losses = []
    for _ in range(3):
        scores = model(dict(features))["scores"].view(1, 3)
        loss = group_loss(scores, torch.tensor([[0.0, 0.0, 1.0]]), bce_weight=0.5)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_a_folder_of_ours_is_a_base_like_the_bundled_one(exported: Path) -> None:
    from wikirank.train.fit.base import find_base

    base = find_base(str(exported))
    assert base.name == "test/exported"
    assert "int8" in base.describe()


def test_networks_that_are_no_cross_encoder_of_ours_are_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, checker, helper, save

    from wikirank.train.export.from_onnx import cross_encoder_from_onnx
    from wikirank.train.fit.base import find_base

    with pytest.raises(ModelError, match="kind 'cross-encoder'"):
        find_base(str(bundled_model("embedder")))
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    network = helper.make_model(
        helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", value[:1], value[1:])
    )
    checker.check_model(network)
    save(network, str(tmp_path / "network.onnx"))
    write_model_folder(
        tmp_path / "model",
        ModelDescription("cross-encoder", "identity", 128),
        networks=[tmp_path / "network.onnx"],
        tokenizer_json=(bundled_model("cross-encoder") / "tokenizer.json").read_text("utf-8"),
    )
    with pytest.raises(ModelError, match="Train from the torch model"):
        cross_encoder_from_onnx(tmp_path / "model")


def test_a_corrupt_folder_is_refused(tmp_path: Path) -> None:
    from wikirank.train.fit.base import find_base

    folder = Path(shutil.copytree(bundled_model("cross-encoder"), tmp_path / "corrupt"))
    next(folder.glob("*.onnx")).write_bytes(b"no network")
    with pytest.raises(ModelError, match="corrupt"):
        find_base(str(folder))

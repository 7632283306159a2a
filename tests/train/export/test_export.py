"""Cost of int8 for a cross-encoder: the rewriting is exact, the head is not quantised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from short_passages import TEXTS

from wikirank.metrics.ranking import spearman
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.model_folder import write_model_folder

torch = pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = [pytest.mark.train, pytest.mark.slow]

QUERIES = ["Who hunts herring?", "How is bread made?", "What is a violin?"]


@pytest.fixture(scope="module")
def exported(pair_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from wikirank.train.export.int8 import export_cross_encoder

    folder = tmp_path_factory.mktemp("exported") / "model"
    export_cross_encoder(
        pair_model,
        folder,
        model_id="pair",
        prepend_heading=True,
        calibration=Calibration(),
        max_length=128,
    )
    return folder


def integer_products(folder: Path) -> list[str]:
    import onnx

    graph = onnx.load(str(folder / "model.onnx")).graph
    return [node.name for node in graph.node if node.op_type == "MatMulInteger"]


def test_row_scaled_linear_is_the_same_function_whatever_the_scale_of_a_token() -> None:
    from wikirank.train.export.row_scale import RowScaledLinear

    torch.manual_seed(0)
    linear = torch.nn.Linear(16, 5)
    scales = torch.tensor([1e-3, 1.0, 300.0, 0.0]).view(1, 4, 1)  # the last token is all zeros
    states = torch.randn(2, 4, 16) * scales
    with torch.no_grad():
        off = (RowScaledLinear(linear)(states) - linear(states)).abs()
    assert bool((off <= 1e-6 * scales.clamp(min=1.0)).all())


def test_row_scaled_embedding_looks_up_the_same_rows() -> None:
    from wikirank.train.export.row_scale import RowScaledEmbedding

    torch.manual_seed(0)
    embedding = torch.nn.Embedding(6, 4, padding_idx=0)  # a row of zeros
    split = RowScaledEmbedding(embedding)
    ids = torch.arange(6).view(2, 3)
    torch.testing.assert_close(split(ids), embedding(ids))
    assert split.table.weight[1:].abs().amax(1).tolist() == pytest.approx([1.0] * 5)


def test_products_of_the_layers_are_int8_and_the_heads_are_not(
    exported: Path, onnx_reranker: Path
) -> None:
    # Six layers: query, key, value, attention's output, two feed-forward.
    for folder in (exported, onnx_reranker):
        names = integer_products(folder)
        assert len(names) == 36
        assert all("/encoder/layer." in name for name in names)
        assert 23e6 < (folder / "model.onnx").stat().st_size < 25e6


def test_export_leaves_the_model_as_it_was(pair_model: Any, exported: Path) -> None:
    assert exported.is_dir()
    layer = pair_model.model.encoder.layer[0]
    assert type(layer.intermediate.dense) is torch.nn.Linear
    assert type(pair_model.model.embeddings.word_embeddings) is torch.nn.Embedding


def test_it_keeps_the_ranking_better_than_quantising_everything(
    pair_model: Any, exported: Path, tmp_path: Path
) -> None:
    from wikirank.train.export.int8 import _Logit
    from wikirank.train.export.tracing import quantise, quiet_export, trace_onnx

    with quiet_export():
        inputs = "input_ids", "token_type_ids"
        trace_onnx(_Logit(pair_model), tmp_path / "fp32.onnx", "logit", inputs)
        quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx")
    write_model_folder(
        tmp_path / "plain",
        ModelDescription("cross-encoder", "plain", 128),
        networks=[tmp_path / "int8.onnx"],
        tokenizer_json=(exported / "tokenizer.json").read_text("utf-8"),
    )
    pairs = [(query, text) for query in QUERIES for text in TEXTS]
    expected = pair_model.predict(pairs, show_progress_bar=False).astype(np.float64)
    ours, plain = (
        np.concatenate(
            [score_passages(load_cross_encoder(folder), query, TEXTS) for query in QUERIES]
        )
        for folder in (exported, tmp_path / "plain")
    )
    assert spearman(ours, expected) >= 0.99
    assert np.std(ours - expected) < np.std(plain - expected)

"""Teachers of both kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wikirank.embed import load_embedder
from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.train.teach.teacher import load_teacher

pytest.importorskip("torch", reason="needs the [train] extra")

pytestmark = pytest.mark.train


def test_a_cross_encoder_teaches_by_its_calibrated_log_odds(onnx_reranker: Path) -> None:
    model = load_cross_encoder(onnx_reranker)
    texts = ["Cod hunt herring.", "Bread is food."]
    teacher = load_teacher(str(onnx_reranker))
    assert teacher.kind == "cross-encoder"
    (scores,) = teacher.scores([("Who hunts herring?", texts)])
    assert scores == pytest.approx(2.0 * score_passages(model, "Who hunts herring?", texts) - 0.5)


def test_a_bi_encoder_teaches_by_its_cosine(minilm: Path) -> None:
    from sentence_transformers import SentenceTransformer

    queries, texts = ["who hunts herring", "bread"], ["Cod hunt herring.", "Bread is food."]
    teacher = load_teacher(str(minilm))
    assert teacher.kind == "bi-encoder"
    scores = teacher.scores([(query, texts) for query in queries])
    model = SentenceTransformer(str(minilm), device="cpu")
    cosines = model.similarity(model.encode(queries), model.encode(texts)).numpy()
    assert np.stack(scores) == pytest.approx(20 * cosines, abs=0.05)
    ours = load_teacher("bundled-embedder")
    embedder = load_embedder()
    expected = [
        float(np.dot(embedder.embed_query("bread"), v)) for v in embedder.embed_passages(texts)
    ]
    assert ours.kind == "bi-encoder"
    assert ours.scores([("bread", texts)])[0] == pytest.approx(20 * np.array(expected), abs=0.05)


def test_a_model_for_the_dot_product_teaches_by_that(minilm: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(minilm), device="cpu", similarity_fn_name="dot")
    model.pop(len(model) - 1)  # its vectors need not have length 1
    model.save_pretrained(str(tmp_path / "dot"), create_model_card=False)
    (scores,) = load_teacher(tmp_path / "dot").scores([("bread", ["Bread is food."])])
    dot = model.encode(["bread"]) @ model.encode(["Bread is food."]).T
    assert scores == pytest.approx(dot[0], rel=1e-2)
    assert abs(scores[0] - 20) > 0.1


def test_the_end_of_a_long_passage_is_read(minilm: Path) -> None:
    end = "Cod, seals and gannets hunt herring."
    long = "The market of the town is open on each day of the week. " * 60
    teacher = load_teacher(str(minilm))
    (scores,) = teacher.scores([("who hunts herring", [f"{long}{end}", long, end])])
    assert scores[1] < scores[0] <= scores[2] + 0.1
    assert scores[0] > scores[1] + 1


def test_invalid_teachers(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_teacher(tmp_path / "none")
    (tmp_path / "modules.json").write_text("[]", "utf-8")
    with pytest.raises(ModelError, match="bi-encoder with safetensors"):
        load_teacher(tmp_path)
    (tmp_path / "config.json").write_text("{", "utf-8")
    with pytest.raises(ModelError, match="Expected JSON"):
        load_teacher(tmp_path)
    with pytest.raises(InvalidArgumentError):
        load_teacher("")

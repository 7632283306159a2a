"""Cross-encoders in the hub's layout with ONNX files: found in its cache, run without torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hub_layout import copy_to_hub_cache
from tiny_reranker import save_tiny_reranker

from wikirank.errors import ModelError
from wikirank.rank import OnnxCrossEncoder, load_cross_encoder, score_passages
from wikirank.runtime.networks import best_network, cpu_flags

pytestmark = pytest.mark.train

QUERY = "What is dew?"
TEXTS = ["Dew is water.", "Frost is frozen dew, seen on cold mornings.", "A violin has strings."]


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def exported(
    request: pytest.FixtureRequest, minilm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A tiny random reranker, exported with a mask as on the hub, and its torch model."""
    import torch
    from transformers import AutoTokenizer

    is_bert = request.param == "bert"
    folder = tmp_path_factory.mktemp(request.param)
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if is_bert else [])]
    tokenizer = AutoTokenizer.from_pretrained(str(minilm), model_input_names=names)
    model = save_tiny_reranker(
        folder,
        "Bert" if is_bert else "XLMRoberta",
        tokenizer,
        max_position_embeddings=64,
        type_vocab_size=2 if is_bert else 1,
    )
    encoded = tokenizer([QUERY] * 2, TEXTS[:2], padding=True, return_tensors="pt")
    (folder / "onnx").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the older exporter, which wrote the hub's files
        torch.onnx.export(
            model,
            (),
            str(folder / "onnx" / "model.onnx"),
            kwargs={name: encoded[name] for name in names},
            input_names=names,
            output_names=["logits"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names}
            | {"logits": {0: "batch"}},
            dynamo=False,
        )
    return folder


def torch_logits(folder: Path) -> np.ndarray:
    """Return the logits of transformers, pair by pair."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = AutoModelForSequenceClassification.from_pretrained(str(folder)).eval()
    with torch.inference_mode():
        pairs = [tokenizer(QUERY, text, return_tensors="pt") for text in TEXTS]
        return np.array([float(model(**pair).logits) for pair in pairs])


@pytest.mark.parametrize("batch_size", [1, 8])
def test_scores_are_those_of_torch_padded_or_not(exported: Path, batch_size: int) -> None:
    model = load_cross_encoder(exported, batch_size=batch_size)
    assert isinstance(model, OnnxCrossEncoder)
    expected = torch_logits(exported)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(score_passages(model, QUERY, TEXTS), expected, atol=1e-4)
    assert model.max_length == (64 if "roberta" not in str(exported) else 62)


def test_a_hub_id_in_the_cache_runs_offline_without_torch(exported: Path, tmp_path: Path) -> None:
    copy_to_hub_cache(tmp_path, exported, "someone/reranker", weights=False)
    code = (
        "import json, sys\n"
        "from langchain_core.documents import Document\n"
        "from langchain_wikirank import WikiReranker\n"
        "texts = json.loads(sys.argv[1])\n"
        "reranker = WikiReranker(model='someone/reranker', top_n=None)\n"
        "best = reranker.compress_documents([Document(t) for t in texts], sys.argv[2])\n"
        "logits = {d.page_content: d.metadata['rerank_logit'] for d in best}\n"
        "assert 'torch' not in sys.modules\n"
        "print(json.dumps([logits[t] for t in texts]))\n"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code, json.dumps(TEXTS), QUERY],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    np.testing.assert_allclose(json.loads(run.stdout), torch_logits(exported), atol=1e-4)


def test_the_network_is_chosen_for_the_cpu() -> None:
    plain = ["config.json", "onnx/model.onnx"]
    quantised = {
        "avx512_vnni": "onnx/model_qint8_avx512_vnni.onnx",
        "avx2": "onnx/model_quint8_avx2.onnx",
        "arm64": "onnx/model_qint8_arm64.onnx",
    }
    assert best_network(plain) == "onnx/model.onnx"
    assert best_network(["model.onnx"]) == "model.onnx"
    assert best_network(["config.json", "model.safetensors"]) is None
    for flag, file in quantised.items():
        expected = file if flag in cpu_flags() else "onnx/model.onnx"
        assert best_network([*plain, file]) == expected


def test_two_labels_are_refused(exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    shutil.copytree(exported, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["id2label"] = {"0": "no", "1": "yes"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelError, match="one label"):
        load_cross_encoder(folder)

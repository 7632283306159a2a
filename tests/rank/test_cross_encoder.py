"""The ONNX and the torch cross-encoder: agreement, loading, and what each refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wikirank.errors import (
    InvalidArgumentError,
    MissingExtraError,
    ModelError,
    TextTooLongError,
)
from wikirank.rank import OnnxCrossEncoder, load_cross_encoder, score_passages
from wikirank.rank.torch_cross_encoder import TorchCrossEncoder
from wikirank.runtime.calibration import Calibration

QUERY = "How do plants use sunlight?"
TOPICS = ["Photosynthesis", "The Eiffel Tower", "Gradient descent", "A penguin", "Jazz", "Rome"]
FACTS = [
    "turns light into chemical energy",
    "was opened in 1889 and is visited by millions of people every year",
    "minimises a function step by step",
    "is mentioned in a letter of the time, which says little else",
    "has a long history. It began in the nineteenth century and spread to many countries",
]
TEXTS = [f"{topic} {fact}." for topic in TOPICS for fact in FACTS]


@pytest.fixture(scope="module")
def onnx(onnx_reranker: Path) -> OnnxCrossEncoder:
    model = load_cross_encoder(onnx_reranker)
    assert isinstance(model, OnnxCrossEncoder)
    return model


@pytest.fixture(scope="module")
def torch_model(torch_reranker: Path) -> TorchCrossEncoder:
    model = load_cross_encoder(torch_reranker)
    assert isinstance(model, TorchCrossEncoder)
    return model


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Spearman's coefficient, for values without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def test_int8_ranks_as_torch_does(onnx: OnnxCrossEncoder, torch_model: TorchCrossEncoder) -> None:
    ours, reference = score_passages(onnx, QUERY, TEXTS), score_passages(torch_model, QUERY, TEXTS)
    assert ours.shape == reference.shape == (len(TEXTS),)
    assert rank_correlation(ours, reference) > 0.9
    np.testing.assert_allclose(ours, reference, atol=0.5 * np.ptp(reference))


def test_torch_gives_the_raw_logits_of_sentence_transformers(
    torch_model: TorchCrossEncoder, torch_reranker: Path
) -> None:
    from sentence_transformers import CrossEncoder

    # Its default activation is the sigmoid: undo it.
    squashed = CrossEncoder(str(torch_reranker), device="cpu").predict(
        [(QUERY, text) for text in TEXTS[:6]], show_progress_bar=False
    )
    expected = np.log(squashed / (1 - squashed))
    np.testing.assert_allclose(score_passages(torch_model, QUERY, TEXTS[:6]), expected, atol=1e-5)


def test_a_logit_does_not_depend_on_the_other_texts(onnx: OnnxCrossEncoder) -> None:
    together = score_passages(onnx, QUERY, [*TEXTS, TEXTS[0] * 20])
    alone = [score_passages(onnx, QUERY, [text])[0] for text in TEXTS]
    assert together[:-1].tolist() == alone


def test_a_batch_size_changes_no_logit(onnx_reranker: Path, onnx: OnnxCrossEncoder) -> None:
    batched = load_cross_encoder(onnx_reranker, batch_size=4)
    np.testing.assert_array_equal(
        score_passages(batched, QUERY, TEXTS), score_passages(onnx, QUERY, TEXTS)
    )


def test_what_the_folder_says_is_what_the_model_says(onnx: OnnxCrossEncoder) -> None:
    assert onnx.model_id == "minilm-new-head"
    assert (onnx.max_length, onnx.prepend_heading) == (512, True)
    assert onnx.calibration == Calibration(scale=2.0, shift=-0.5)


def test_torch_reads_calibration_and_headings_from_a_folder(
    torch_reranker: Path, onnx_reranker: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(torch_reranker, tmp_path / "both"))
    shutil.copy(onnx_reranker / "wikirank.json", folder)
    model = load_cross_encoder(folder)
    assert isinstance(model, TorchCrossEncoder)
    assert (model.model_id, model.prepend_heading) == ("minilm-new-head", True)
    assert model.calibration == Calibration(scale=2.0, shift=-0.5)


def test_torch_without_a_description_uses_the_plain_sigmoid(
    torch_model: TorchCrossEncoder, torch_reranker: Path
) -> None:
    assert torch_model.model_id == str(torch_reranker)
    assert (torch_model.calibration, torch_model.prepend_heading) == (Calibration(), False)
    assert torch_model.max_length == 512


@pytest.mark.parametrize("backend", ["onnx", "torch_model"])
def test_nothing_is_cut_silently(backend: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(backend)
    with pytest.raises(TextTooLongError, match="exceed the 508 tokens"):
        score_passages(model, "red", ["blue " * 509], on_truncation="error")
    assert model.logits([]).shape == (0,)


def test_torch_scores_long_passages_by_windows(torch_reranker: Path) -> None:
    model = load_cross_encoder(torch_reranker, max_length=64, batch_size=2)
    text = " ".join(TEXTS[:8])
    score = score_passages(model, QUERY, [text, TEXTS[0]])
    assert score.shape == (2,)
    assert score[1] == pytest.approx(score_passages(model, QUERY, [TEXTS[0]])[0], abs=1e-5)


@pytest.mark.parametrize("backend", ["onnx", "torch_model"])
def test_sixteen_threads_get_what_one_gets(backend: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(backend)
    queries = [f"What about {topic} {number}?" for topic in TOPICS[:4] for number in range(8)]

    def score(query: str) -> NDArray[np.float64]:
        return score_passages(model, query, TEXTS[:4])

    expected = np.stack([score(query) for query in queries])
    with ThreadPoolExecutor(16) as threads:
        got = np.stack(list(threads.map(score, queries)))
    np.testing.assert_array_equal(got, expected)


def test_it_is_loaded_once_for_each_setting(onnx_reranker: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        loaded = list(threads.map(lambda _: load_cross_encoder(onnx_reranker), range(8)))
    assert all(one is loaded[0] for one in loaded)
    assert load_cross_encoder(str(onnx_reranker)) is loaded[0]
    assert load_cross_encoder(onnx_reranker, max_length=128) is not loaded[0]


@pytest.mark.parametrize("max_length", [0, 15, 513, True, 64.0])
@pytest.mark.parametrize("folder", ["onnx_reranker", "torch_reranker"])
def test_a_length_that_the_model_cannot_read_is_refused(
    folder: str, max_length: Any, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(InvalidArgumentError, match="max_length from 16 to 512"):
        load_cross_encoder(request.getfixturevalue(folder), max_length=max_length)


@pytest.mark.parametrize("folder", ["onnx_reranker", "torch_reranker"])
def test_a_batch_size_of_none_is_refused(folder: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(InvalidArgumentError, match="batch_size"):
        load_cross_encoder(request.getfixturevalue(folder), batch_size=0)


def test_a_revision_goes_with_a_hub_id_only(onnx_reranker: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="revision only with a hub id"):
        load_cross_encoder(onnx_reranker, revision="main")


def test_an_onnx_folder_has_nothing_for_a_gpu(onnx_reranker: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"runs on 'cuda'.*onnxruntime-gpu.*torch"):
        load_cross_encoder(onnx_reranker, device="cuda")


@pytest.mark.parametrize("model", [Path("nowhere"), "./nowhere", "~/nowhere", "/nowhere"])
def test_a_folder_that_is_not_there_is_named(model: str | Path) -> None:
    with pytest.raises(ModelError, match="nowhere, got none"):
        load_cross_encoder(model)


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="empty string"):
        load_cross_encoder("")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"wikirank\.json"):
        load_cross_encoder(tmp_path)


def test_an_embedder_is_not_a_cross_encoder(minilm: Path) -> None:
    with pytest.raises(ModelError, match="one trained label"):
        load_cross_encoder(minilm)


def test_a_classifier_with_three_labels_is_not_a_cross_encoder(
    minilm: Path, tmp_path: Path
) -> None:
    from sentence_transformers import CrossEncoder

    from wikirank.train.export.int8 import export_cross_encoder

    model = CrossEncoder(str(minilm), num_labels=3, device="cpu")
    model.save_pretrained(str(tmp_path / "three"))
    with pytest.raises(ModelError, match="with 3 labels"):
        load_cross_encoder(tmp_path / "three")
    with pytest.raises(ModelError, match="1 label, got 3"):
        export_cross_encoder(
            model,
            tmp_path / "onnx",
            model_id="three",
            prepend_heading=False,
            calibration=Calibration(),
            max_length=512,
        )
    assert not (tmp_path / "onnx").exists()


def test_torch_weights_cut_short_are_refused(torch_reranker: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(torch_reranker, tmp_path / "cut"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_cross_encoder(folder)


def test_pickled_weights_are_not_loaded(torch_reranker: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = Path(shutil.copytree(torch_reranker, tmp_path / "pickled"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="safetensors"):
        load_cross_encoder(folder)


def test_weights_that_give_nan_are_noticed(torch_reranker: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(torch_reranker, tmp_path / "nan"))
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="finite numbers"):
        score_passages(load_cross_encoder(folder), QUERY, TEXTS[:2])


def test_a_missing_extra_names_the_command(
    torch_reranker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r'pip install "langchain-wikirank\[torch\]"'):
        load_cross_encoder(torch_reranker, max_length=77)


def test_a_hub_that_cannot_be_reached_says_what_to_do(tmp_path: Path) -> None:
    # In a new process, because the hub's client reads its settings when it is imported.
    program = """
from wikirank.errors import ModelError
from wikirank.rank import load_cross_encoder
try:
    load_cross_encoder("some-one/some-reranker", revision="abc")
except ModelError as err:
    print(err)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "'some-one/some-reranker'" in done.stdout
    assert "pass its local folder" in done.stdout


def test_a_cached_hub_model_needs_no_network(torch_reranker: Path, tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--some-one--some-reranker"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    shutil.copytree(torch_reranker, cached / "snapshots" / commit)
    program = f"""
from wikirank.rank import load_cross_encoder, score_passages
for revision in (None, "main", {commit!r}):
    model = load_cross_encoder("some-one/some-reranker", revision=revision)
    print(model.model_id, len(score_passages(model, "a", ["b"])))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        # An address that refuses connections, so any request fails.
        env={**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name = "some-one/some-reranker"
    assert done.stdout.splitlines() == [f"{name} 1", f"{name}@main 1", f"{name}@{commit} 1"]


def test_onnx_needs_no_torch(onnx_reranker: Path) -> None:
    program = f"""
import json, sys
from wikirank.embed import load_embedder
from wikirank.rank import load_cross_encoder, score_passages
load_embedder().embed_query("a")
score_passages(load_cross_encoder({str(onnx_reranker)!r}), "a", ["b"])
print(json.dumps([name for name in ("torch", "transformers") if name in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == []

"""Devices of ONNX Runtime, and errors if one is not available."""

from __future__ import annotations

import onnxruntime
import pytest

from langchain_wikirank import WikiReranker
from wikirank.errors import MissingExtraError
from wikirank.rank import load_cross_encoder
from wikirank.runtime.model_folder import bundled_model
from wikirank.runtime.networks import best_network
from wikirank.runtime.providers import CPU, CUDA, execution_providers, runs_onnx
from wikirank.runtime.session import Network

without_cuda = pytest.mark.skipif(
    CUDA in onnxruntime.get_available_providers(), reason="onnxruntime-gpu is installed"
)


@pytest.mark.parametrize(("device", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:3", 3)])
def test_a_gpu_comes_first_and_the_cpu_runs_the_rest(device: str, number: int) -> None:
    providers = execution_providers(device, [CUDA, CPU])
    assert providers == [(CUDA, {"device_id": number}), CPU]


@pytest.mark.parametrize("device", [None, "cpu"])
def test_the_cpu_needs_nothing(device: str | None) -> None:
    assert execution_providers(device, [CUDA, CPU]) == [CPU]
    assert runs_onnx(device)


@pytest.mark.parametrize(
    ("device", "available"), [("cuda", [CPU]), ("mps", [CUDA, CPU]), ("cuda:x", [CUDA, CPU])]
)
def test_a_device_that_onnx_runtime_has_not(device: str, available: list[str]) -> None:
    with pytest.raises(MissingExtraError, match="onnxruntime-gpu"):
        execution_providers(device, available)


def test_a_gpu_gets_the_network_that_is_not_quantised() -> None:
    files = ["onnx/model.onnx", "onnx/model_qint8_avx512_vnni.onnx", "onnx/model_quint8_avx2.onnx"]
    assert best_network(files, on_gpu=True) == "onnx/model.onnx"
    assert best_network(files[1:], on_gpu=True) is None


@without_cuda
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_the_bundled_model_on_a_gpu_without_onnxruntime_gpu(device: str) -> None:
    with pytest.raises(MissingExtraError, match=f"runs on '{device}'.*onnxruntime-gpu"):
        load_cross_encoder(device=device)
    with pytest.raises(MissingExtraError, match="onnxruntime-gpu"):
        WikiReranker(device=device).load_model()
    with pytest.raises(MissingExtraError, match="onnxruntime-gpu"):
        Network(bundled_model("embedder") / "model.onnx", device=device)

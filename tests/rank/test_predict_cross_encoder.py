"""Rerankers other than plain BERT give the scores of sentence-transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_reranker import save_tiny_reranker

from langchain_wikirank import WikiReranker
from wikirank.errors import InvalidArgumentError, ModelError, TextTooLongError, TruncationWarning
from wikirank.evaluate.kept_scores import CachedCrossEncoder
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.rank.torch_cross_encoder import TorchCrossEncoder

pytestmark = pytest.mark.train

QUERY = "What is dew?"
TEXTS = [
    "Dew is water.",
    "Frost is frozen dew, seen on cold mornings on grass, leaves, roofs and cars alike.",
    "A violin has four strings.",
]


@pytest.fixture(scope="module")
def language_model(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Qwen3 with a score head, padded on the left like the real ones."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("qwen3")
    tokenizer = AutoTokenizer.from_pretrained(str(minilm), padding_side="left")
    tokenizer.model_max_length = 64
    save_tiny_reranker(
        folder,
        "Qwen3",
        tokenizer,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=128,
    )
    return folder


@pytest.fixture(scope="module")
def prompted(torch_reranker: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT that was saved with a prompt."""
    from sentence_transformers import CrossEncoder

    folder = tmp_path_factory.mktemp("prompted")
    model = CrossEncoder(
        str(torch_reranker),
        device="cpu",
        prompts={"wiki": "Judge whether the wiki answers: "},
        default_prompt_name="wiki",
    )
    model.save_pretrained(str(folder))
    return folder


def library_scores(folder: Path) -> Any:
    """Return the logits of sentence-transformers' `predict`."""
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(folder), device="cpu")
    return model.predict([(QUERY, text) for text in TEXTS], activation_fn=torch.nn.Identity())


@pytest.mark.parametrize("kind", ["language_model", "prompted"])
def test_scores_are_the_librarys(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    model = load_cross_encoder(folder, device="cpu")
    logits = score_passages(model, QUERY, TEXTS)
    assert np.ptp(logits) > 1e-4
    np.testing.assert_allclose(logits, library_scores(folder), atol=1e-4)
    alone = score_passages(model, QUERY, TEXTS[:1])
    np.testing.assert_allclose(alone, logits[:1], atol=1e-4)
    from langchain_core.documents import Document

    best = WikiReranker(model=folder, device="cpu").compress_documents(
        [Document(text) for text in TEXTS], QUERY
    )
    assert best[0].page_content == TEXTS[int(np.argmax(logits))]
    assert best[0].metadata["rerank_logit"] == pytest.approx(logits.max(), abs=1e-4)


def test_a_plain_encoder_reads_encoded_pairs(torch_reranker: Path) -> None:
    assert isinstance(load_cross_encoder(torch_reranker, device="cpu"), TorchCrossEncoder)


def test_cut_texts_are_reported(language_model: Path) -> None:
    model = load_cross_encoder(language_model, device="cpu")
    long = ["dew " * 100]
    with pytest.warns(TruncationWarning, match="1 of 1 passages exceed the 64 tokens"):
        score_passages(model, QUERY, long)
    with pytest.raises(TextTooLongError):
        score_passages(model, QUERY, long, on_truncation="error")
    assert score_passages(model, QUERY, []).size == 0
    with pytest.raises(ModelError, match="Use score_passages"):
        model.logits([model.tokenizer.encode(QUERY, TEXTS[0])])


def test_its_scores_are_not_kept(language_model: Path, tmp_path: Path) -> None:
    model = load_cross_encoder(language_model, device="cpu")
    with pytest.raises(InvalidArgumentError, match="without keeping scores"):
        CachedCrossEncoder(model, tmp_path / "logits.db")

"""Embedders in the hub's layout with ONNX files: run without torch, equal to torch's."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_layout import copy_to_hub_cache, export_encoder
from typer.testing import CliRunner

from wikirank.cli import app
from wikirank.embed import load_any_embedder
from wikirank.embed.hub_embedder import HubEmbedder
from wikirank.embed.sentence_layout import read_sentence_layout
from wikirank.embed.torch_embedder import TorchEmbedder
from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.index import WikiIndex
from wikirank.runtime.hub_onnx import find_hub_folder

pytestmark = pytest.mark.train

TEXTS = [
    "Dew is water that condenses at night.",
    "A violin has four strings.",
    "Frost",
    "Snow falls where clouds are colder than the point at which water freezes, and lies there.",
]
PROMPTS = {"query": "query: ", "document": "passage: "}
LENGTH = 48


def made(folder: Path, minilm: Path, kind: str, **modules: Any) -> Path:
    """Save a tiny random encoder with an ONNX file, as sentence-transformers does."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    is_bert = kind == "bert"
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if is_bert else [])]
    tokenizer = AutoTokenizer.from_pretrained(str(minilm), model_input_names=names)
    tokenizer.model_max_length = LENGTH
    config = (BertConfig if is_bert else XLMRobertaConfig)(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.5,
        pad_token_id=tokenizer.pad_token_id,
        type_vocab_size=2 if is_bert else 1,
        attn_implementation="eager",
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = (BertModel if is_bert else XLMRobertaModel)(config).eval()
    bare = folder.with_name(folder.name + "-bare")
    model.save_pretrained(str(bare))
    tokenizer.save_pretrained(str(bare))
    parts = [Transformer(str(bare)), Pooling(32, **modules), Normalize()]
    saved = SentenceTransformer(modules=parts, device="cpu", prompts=PROMPTS)
    saved.save_pretrained(str(folder))
    export_encoder(model, folder / "onnx" / "model.onnx", names)
    return folder


@pytest.fixture(
    scope="module",
    params=[
        ("bert", {"pooling_mode": "mean"}),
        ("xlm-roberta", {"pooling_mode": "cls"}),
        ("xlm-roberta", {"pooling_mode": "lasttoken"}),
        ("bert", {"pooling_mode": ("max", "weightedmean")}),
        ("xlm-roberta", {"pooling_mode": "mean_sqrt_len_tokens"}),
    ],
    ids=lambda param: f"{param[0]}-{param[1]['pooling_mode']}",
)
def exported(
    request: pytest.FixtureRequest, minilm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    kind, modules = request.param
    return made(tmp_path_factory.mktemp("hub") / "model", minilm, kind, **modules)


@pytest.fixture(scope="module")
def encoder(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder with mean pooling, as most have."""
    return made(tmp_path_factory.mktemp("one") / "model", minilm, "bert", pooling_mode="mean")


def torch_vectors(folder: Path, texts: list[str], prompt_name: str) -> Any:
    """Return the vectors of sentence-transformers, padded to one length."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    return model.encode(texts, prompt_name=prompt_name, normalize_embeddings=True)


def unprompted_vectors(folder: Path, texts: list[str]) -> Any:
    """Return the vectors of sentence-transformers without a prompt."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    return model.encode(texts, prompt="", normalize_embeddings=True)


def opened(folder: Path, batch_size: int) -> HubEmbedder:
    found, layout = find_hub_folder(folder, "m", kind="embedder"), read_sentence_layout(folder)
    assert found is not None
    assert layout is not None
    return HubEmbedder(found, layout, {"model": str(folder)}, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_vectors_are_those_of_torch_padded_or_not(exported: Path, batch_size: int) -> None:
    embedder = opened(exported, batch_size)
    expected = torch_vectors(exported, TEXTS, "document")
    assert np.ptp(expected @ expected.T) > 1e-3  # otherwise any vectors would be equal
    np.testing.assert_allclose(embedder.embed_passages(TEXTS), expected, atol=1e-5)
    query = torch_vectors(exported, ["What is dew?"], "query")[0]
    np.testing.assert_allclose(embedder.embed_query("What is dew?"), query, atol=1e-5)
    assert embedder.embed_passages([]).shape == (0, expected.shape[1])


def test_it_is_what_a_folder_with_onnx_runs_by(encoder: Path) -> None:
    embedder = load_any_embedder(encoder)
    assert isinstance(embedder, HubEmbedder)
    assert embedder.max_length == LENGTH
    assert pickle.loads(pickle.dumps(embedder)) is embedder
    other = load_any_embedder(encoder, query_prompt="", passage_prompt="wiki: ")
    assert other.model_id != embedder.model_id
    np.testing.assert_allclose(
        other.embed_passages(TEXTS[:1]),
        unprompted_vectors(encoder, [f"wiki: {TEXTS[0]}"]),
        atol=1e-5,
    )


def test_long_texts_and_ids_are_as_by_torch(encoder: Path, tmp_path: Path) -> None:
    """Windows, their weights, query truncation, and the id that an index records."""
    plain = shutil.copytree(encoder, tmp_path / "plain")
    shutil.rmtree(plain / "onnx")
    by_torch, by_onnx = TorchEmbedder(str(plain)), opened(encoder, 1)
    long = " ".join(TEXTS * 5)
    passages = [long, TEXTS[0], long * 3]
    expected = by_torch.embed_passages(passages)
    np.testing.assert_allclose(by_onnx.embed_passages(passages), expected, atol=1e-4)
    np.testing.assert_allclose(by_onnx.embed_query(long), by_torch.embed_query(long), atol=1e-4)
    assert by_onnx.model_id.partition(" ")[2] == by_torch.model_id.partition(" ")[2]


def test_a_network_that_pools_itself(encoder: Path, tmp_path: Path) -> None:
    """Like sentence-transformers' export: `sentence_embedding` beside the token vectors."""
    import onnx
    from onnx import TensorProto, helper

    folder = shutil.copytree(encoder, tmp_path / "whole")
    network = onnx.load(str(folder / "onnx" / "model.onnx"))
    second = helper.make_node(
        "Gather", ["last_hidden_state", "one"], ["sentence_embedding"], axis=1
    )
    network.graph.initializer.append(helper.make_tensor("one", TensorProto.INT64, [], [1]))
    network.graph.node.append(second)
    network.graph.output.append(
        helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", 32])
    )
    onnx.save(network, str(folder / "onnx" / "model.onnx"))
    vectors = opened(folder, 8).embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), 32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not np.allclose(vectors, opened(encoder, 8).embed_passages(TEXTS), atol=1e-2)


def test_a_hub_id_in_the_cache_indexes_and_searches_offline_without_torch(
    encoder: Path, tmp_path: Path
) -> None:
    copy_to_hub_cache(tmp_path / "hf", encoder, "someone/encoder", weights=False)
    wiki = tmp_path / "wiki.jsonl"
    lines = [json.dumps({"title": text.split()[0], "text": text}) for text in TEXTS]
    wiki.write_text("\n".join(lines), "utf-8")
    code = (
        "import sys\n"
        "from langchain_wikirank.cli import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}

    def ran(*arguments: str) -> str:
        run = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    index = str(tmp_path / "index")
    ran("index", str(wiki), "--into", index, "-q", "--embedder", "someone/encoder")
    assert "someone/encoder" in ran("info", "--index", index, "--json")
    # The recorded model is loaded again and finds a passage by its text.
    found = ran("search", TEXTS[1], "--index", index, "--json", "--search-type", "dense")
    dense = {row["title"]: row["dense_score"] for row in json.loads(found)["results"]}
    expected = (
        torch_vectors(encoder, [TEXTS[1]], "query")
        @ torch_vectors(encoder, titled(TEXTS), "document").T
    )
    for text, cosine in zip(TEXTS, expected[0], strict=True):
        if text.split()[0] in dense:
            assert dense[text.split()[0]] == pytest.approx(cosine, abs=1e-3)
    assert dense


def titled(texts: list[str]) -> list[str]:
    """Return the text as an index embeds it, with the title in front."""
    return [f"{text.split()[0]}\n{text}" for text in texts]


def test_a_dense_layer_is_left_to_torch(encoder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(encoder, tmp_path / "dense")
    modules = json.loads((folder / "modules.json").read_text("utf-8"))
    modules[2]["type"] = "sentence_transformers.models.Dense"
    (folder / "modules.json").write_text(json.dumps(modules), "utf-8")
    assert read_sentence_layout(folder) is None


def test_a_network_of_another_export_is_named(encoder: Path, tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    folder = shutil.copytree(encoder, tmp_path / "positions")
    network = onnx.load(str(folder / "onnx" / "model.onnx"))
    network.graph.input.append(
        helper.make_tensor_value_info("position_ids", TensorProto.INT64, ["batch", "tokens"])
    )
    onnx.save(network, str(folder / "onnx" / "model.onnx"))
    with pytest.raises(ModelError, match="takes position_ids too"):
        opened(folder, 1)


@pytest.mark.parametrize(
    "settings",
    [{"query_prompt": "query: "}, {"passage_prompt": ""}, {"revision": "main"}],
    ids=lambda settings: next(iter(settings)),
)
@pytest.mark.parametrize("model", ["bundled", "folder"])
def test_settings_that_a_model_of_ours_has_none_of(
    model: str, settings: dict[str, str], tmp_path: Path
) -> None:
    from wikirank.runtime.model_folder import bundled_model

    if model == "folder":
        model = str(shutil.copytree(bundled_model("embedder"), tmp_path / "ours"))
    with pytest.raises(InvalidArgumentError, match=next(iter(settings))):
        load_any_embedder(model, **settings)


def test_the_command_refuses_them_before_it_makes_an_index(tmp_path: Path) -> None:
    wiki = tmp_path / "wiki.jsonl"
    wiki.write_text(json.dumps({"title": "Dew", "text": TEXTS[0]}), "utf-8")
    command = ["index", str(wiki), "--into", str(tmp_path / "index"), "--embedder", "bundled"]
    found = CliRunner().invoke(app, [*command, "--query-prompt", "q: "])
    assert isinstance(found.exception, InvalidArgumentError)
    found = CliRunner().invoke(app, [*command[:-2], "--device", "cpu", "--ray"])
    assert isinstance(found.exception, InvalidArgumentError)
    assert not (tmp_path / "index").exists()
    made = CliRunner().invoke(app, [*command[:-2], "--device", "cpu", "-q"])
    assert made.exit_code == 0, made.exception


def test_the_bundled_one_is_recorded_as_before(tmp_path: Path) -> None:
    with WikiIndex.create(tmp_path / "index", embedder=load_any_embedder("bundled")) as index:
        assert index.store.read_meta()["embedder_recipe"] is None

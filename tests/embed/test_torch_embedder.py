"""Embedders of sentence-transformers: chosen at indexing, recorded, and loaded again."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from langchain_wikirank import WikiRetriever
from wikirank.cli import app
from wikirank.embed import load, load_any_embedder, load_embedder
from wikirank.errors import IndexMismatchError, InvalidArgumentError, ModelError
from wikirank.index import WikiIndex

pytestmark = pytest.mark.train

TEXTS = ["Dew is water that condenses at night.", "A violin has four strings."]


@pytest.fixture(scope="module")
def prompted(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """all-MiniLM-L6-v2 saved with prompts like those of e5."""
    from sentence_transformers import SentenceTransformer

    folder = tmp_path_factory.mktemp("prompted") / "model"
    prompts = {"query": "query: ", "document": "passage: "}
    SentenceTransformer(str(minilm), device="cpu", prompts=prompts).save_pretrained(str(folder))
    return folder


def expected(folder: Path, texts: list[str]) -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    return model.encode(texts, normalize_embeddings=True)


def test_vectors_are_the_librarys_with_the_saved_prompts(prompted: Path, minilm: Path) -> None:
    embedder = load_any_embedder(prompted)
    passages = expected(minilm, [f"passage: {text}" for text in TEXTS])
    np.testing.assert_allclose(embedder.embed_passages(TEXTS), passages, atol=1e-5)
    query = expected(minilm, ["query: What is dew?"])[0]
    np.testing.assert_allclose(embedder.embed_query("What is dew?"), query, atol=1e-5)
    assert embedder.embed_passages([]).shape == (0, 384)


def test_prompts_that_are_given_count(prompted: Path, minilm: Path) -> None:
    embedder = load_any_embedder(prompted, query_prompt="", passage_prompt="wiki: ")
    np.testing.assert_allclose(embedder.embed_query("dew"), expected(minilm, ["dew"])[0], atol=1e-5)
    wiki = expected(minilm, [f"wiki: {TEXTS[0]}"])
    np.testing.assert_allclose(embedder.embed_passages(TEXTS[:1]), wiki, atol=1e-5)


def test_a_long_passage_is_read_to_its_end(minilm: Path) -> None:
    embedder = load_any_embedder(minilm)
    dew = "Dew is water that condenses on grass at night. " * 30
    vectors = embedder.embed_passages([dew, dew + "A violin has four strings. " * 60])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    violin = embedder.embed_query("violin strings")
    assert vectors[1] @ violin > vectors[0] @ violin + 0.2


def test_it_is_pickled_by_what_loads_it(prompted: Path) -> None:
    embedder = load_any_embedder(prompted, query_prompt="q: ")
    again = pickle.loads(pickle.dumps(embedder))
    assert again is embedder
    assert again.model_id != load_any_embedder(prompted).model_id


def test_an_index_opens_with_the_embedder_that_it_records(prompted: Path, tmp_path: Path) -> None:
    model = shutil.copytree(prompted, tmp_path / "model")
    wiki = tmp_path / "wiki.jsonl"
    lines = [json.dumps({"title": text.split()[0], "text": text}) for text in TEXTS]
    wiki.write_text("\n".join(lines), "utf-8")
    command = ["index", str(wiki), "--into", str(tmp_path / "index"), "--embedder", str(model)]
    assert CliRunner().invoke(app, [*command, "-q"]).exit_code == 0
    with WikiIndex.open(tmp_path / "index") as index:
        assert index.embedder is load_any_embedder(model)
        assert index.info().embedder == index.embedder.model_id
    retriever = WikiRetriever.from_index(tmp_path / "index", search_type="dense", k=1)
    assert "Dew" in retriever.invoke("What condenses at night?")[0].page_content
    retriever.index.close()
    found = CliRunner().invoke(app, ["index", str(wiki), "--into", str(tmp_path / "index"), "-q"])
    assert found.exit_code == 0  # the next month, without the option
    with pytest.raises(IndexMismatchError, match="Expected the embedder"):
        WikiIndex.open(tmp_path / "index", embedder=load_embedder())


def test_a_model_that_was_removed(
    tmp_path: Path, prompted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = shutil.copytree(prompted, tmp_path / "model")
    WikiIndex.create(tmp_path / "index", embedder=load_any_embedder(model)).close()
    shutil.rmtree(model)
    monkeypatch.setattr(load, "_loaded", {})  # as in a new process
    with pytest.raises(ModelError, match=f"Expected a model folder at {model}, got none"):
        WikiIndex.open(tmp_path / "index")


@pytest.mark.parametrize("name", ["./none", "~/none", "/none"])
def test_a_missing_folder(name: str) -> None:
    with pytest.raises(ModelError, match="Check the path"):
        load_any_embedder(name)


def test_prompts_without_a_model(tmp_path: Path) -> None:
    wiki = tmp_path / "wiki.jsonl"
    wiki.write_text(json.dumps({"title": "Dew", "text": TEXTS[0]}), "utf-8")
    command = ["index", str(wiki), "--into", str(tmp_path / "index"), "--query-prompt", "q: "]
    found = CliRunner().invoke(app, command)
    assert (
        isinstance(found.exception, InvalidArgumentError)
        or "Expected --embedder with" in found.output
    )
    assert found.exit_code != 0
    assert not (tmp_path / "index").exists()

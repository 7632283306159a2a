"""`--models multilingual`: an embedder and a reranker of the hub by one name.

No network is used: a cache of the hub's client contains the bundled networks under the names of
the pair, in the hub's layout.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hub_layout import bundled_in_hub_layout, copy_to_hub_cache
from huggingface_hub import constants
from typer.testing import CliRunner

from langchain_wikirank import WikiReranker, WikiRetriever
from langchain_wikirank.cli import app
from wikirank.embed import load as embed_load
from wikirank.embed import load_any_embedder
from wikirank.errors import InvalidArgumentError, ModelError
from wikirank.index import WikiIndex
from wikirank.index.verify.run import verify_index
from wikirank.rank import load as rank_load
from wikirank.rank import load_cross_encoder
from wikirank.runtime.model_pairs import MODEL_PAIRS
from wikirank.search import Searcher

PAIR = MODEL_PAIRS["multilingual"]
EMBEDDER = f"{PAIR.embedder}@{PAIR.embedder_revision}"
RERANKER = f"{PAIR.reranker}@{PAIR.reranker_revision}"
LINES = [
    {"title": "Tau", "text": "Tau ist Wasser, das nachts an Gräsern kondensiert."},
    {"title": "Geige", "text": "Eine Geige hat vier Saiten."},
    {"title": "Brocken", "text": "Der Brocken ist der höchste Berg im Harz."},
]
QUESTION = "Wie viele Saiten hat eine Geige?"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "hf"
    for name, commit, kind in (
        (PAIR.embedder, PAIR.embedder_revision, "embedder"),
        (PAIR.reranker, PAIR.reranker_revision, "cross-encoder"),
    ):
        folder = bundled_in_hub_layout(tmp_path / kind, kind)
        copy_to_hub_cache(home, folder, name, weights=True, commit=commit)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    clear_loaded_models(monkeypatch)
    return home


def clear_loaded_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the caches of loaded models, as in a new process."""
    for module in (embed_load, rank_load):
        monkeypatch.setattr(module, "_loaded", {})


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    file = tmp_path / "wiki.jsonl"
    file.write_text("\n".join(map(json.dumps, LINES)), "utf-8")
    return file


def ran(*arguments: str) -> Any:
    run = CliRunner().invoke(app, list(arguments))
    assert run.exit_code == 0, run.exception or run.output
    return json.loads(run.stdout)


@pytest.mark.usefixtures("hub")
def test_an_index_records_both_and_is_asked_with_both(
    wiki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    ran("index", str(wiki), "--into", str(index), "-q", "--json", "--models", "multilingual")
    clear_loaded_models(monkeypatch)
    info = ran("info", "--index", str(index), "--json")
    assert info["embedder"] == f"{EMBEDDER} ('query: ', 'passage: ')"
    assert info["reranker"] == PAIR.reranker
    found = ran("search", QUESTION, "--index", str(index), "--json")
    assert not found["note"]  # the models read the language
    assert all(row["relevance_score"] is not None for row in found["results"])
    named = ran("search", QUESTION, "--index", str(index), "--json", "--model", "bundled")
    assert "read English" in named["note"]

    retriever = WikiRetriever.from_index(index, k=1)
    assert retriever._get_ls_params()["reranker_model"] == PAIR.reranker
    document = retriever.invoke(QUESTION)[0]
    assert document.metadata["title"] == "Geige"
    again = pickle.loads(pickle.dumps(retriever)).invoke(QUESTION)[0]
    assert again.metadata["rerank_logit"] == document.metadata["rerank_logit"]
    own = WikiRetriever(index=retriever.index, reranker=WikiReranker(model="bundled"))
    assert own._get_ls_params()["reranker_model"] == "bundled"
    searcher = Searcher(retriever.index)
    assert searcher.cross_encoder.model_id == RERANKER
    retriever.index.close()
    assert verify_index(index, full=True).whole  # with the recorded embedder


@pytest.mark.usefixtures("hub")
def test_texts_with_one_argument(tmp_path: Path) -> None:
    texts = [line["text"] for line in LINES]
    retriever = WikiRetriever.from_texts(texts, models="multilingual", path=tmp_path / "i", k=1)
    assert "Geige" in retriever.invoke(QUESTION)[0].page_content
    retriever.index.close()
    with WikiIndex.open(tmp_path / "i") as index:
        assert index.info().reranker == PAIR.reranker


@pytest.mark.usefixtures("hub")
def test_the_name_is_good_for_either_slot() -> None:
    assert load_any_embedder("multilingual").model_id.startswith(EMBEDDER)
    assert "wiki: " in load_any_embedder("multilingual", passage_prompt="wiki: ").model_id
    assert load_cross_encoder("multilingual").model_id == RERANKER
    assert WikiReranker(model="multilingual").load_model().model_id == RERANKER
    with pytest.raises(ModelError, match=r"hf download .* --revision another-commit"):
        load_cross_encoder("multilingual", revision="another-commit")


def test_unknown_models(wiki: Path, tmp_path: Path) -> None:
    command = ["index", str(wiki), "--into", str(tmp_path / "index")]
    both = [*command, "--models", "multilingual", "--embedder", "bundled"]
    for arguments in ([*command, "--models", "klingon"], both):
        run = CliRunner().invoke(app, arguments)
        assert isinstance(run.exception, InvalidArgumentError)
    with pytest.raises(InvalidArgumentError, match="klingon"):
        WikiRetriever.from_texts(["Dew"], models="klingon")
    assert not (tmp_path / "index").exists()


def test_a_hub_that_is_not_there(
    tmp_path: Path, wiki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    clear_loaded_models(monkeypatch)
    command = ["index", str(wiki), "--into", str(tmp_path / "index"), "--models", "multilingual"]
    run = CliRunner().invoke(app, command)
    assert isinstance(run.exception, ModelError)
    assert "hf download" in str(run.exception)
    assert not (tmp_path / "index").exists()


def test_a_revision_goes_with_a_model(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["search", "x", "--index", str(tmp_path), "--revision", "v1"])
    assert isinstance(run.exception, InvalidArgumentError)

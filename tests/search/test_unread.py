"""Questions in a language that the bundled models do not read: lexical search and a note."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from typer.testing import CliRunner

from langchain_wikirank import WikiReranker, WikiRetriever, WikiToolkit, create_wiki_qa_chain
from wikirank.cli import app
from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage

TEXTS = [
    "Der Rhein fließt durch Köln und mündet in die Nordsee.",
    "Die Isar fließt durch München und mündet in die Donau.",
    "The Thames flows through London and ends in the North Sea.",
]
GERMAN = "Welcher Fluss fließt durch München?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rivers") / "index"
    with WikiIndex.create(path, language="de") as index:
        index.add_passages(
            Passage(str(n), text, title=f"River {n}") for n, text in enumerate(TEXTS)
        )
    return path


def test_words_decide_where_the_models_do_not_read(folder: Path) -> None:
    with WikiIndex.open(folder) as index:
        searcher = Searcher(index)
        found = searcher.search(GERMAN, SearchOptions(score_threshold=0.9))
        first = found.passages[0]
        assert first.passage.id == "1"
        assert (first.relevance_score, first.rerank_logit, first.dense_score) == (None, None, None)
        assert "German" in found.note
        assert "\n" not in found.note
        english = searcher.search("Which river flows through London?")
        assert (english.note, english.passages[0].passage.id) == ("", "2")
        assert english.passages[0].relevance_score is not None


def test_without_a_common_word_there_is_a_guess(folder: Path) -> None:
    with WikiIndex.open(folder) as index:
        found = Searcher(index).search("ロンドンの川は何ですか")
        assert len(found.passages) == 3
        assert "Japanese" in found.note
        asked = Searcher(index).search(GERMAN, SearchOptions(search_type="dense", rerank=False))
        assert asked.passages[0].dense_score is not None


def test_another_model_is_taken_at_its_word(folder: Path, onnx_reranker: Path) -> None:
    """Its languages are unknown: candidates are lexical, and it reranks them."""
    reranker = WikiReranker(model=onnx_reranker)
    found = WikiRetriever.from_index(folder, reranker=reranker).search(GERMAN)
    assert found.passages[0].rerank_logit is not None
    assert "found by the words" in found.note


def test_tool_and_command_line_report_it(folder: Path) -> None:
    search = WikiToolkit(retriever=WikiRetriever.from_index(folder)).get_tools()[0]
    text = search.invoke({"query": GERMAN})
    assert "Isar" in text
    assert "not the language of this question (German)" in text
    nothing = search.invoke({"query": GERMAN, "title": "River 2"})
    assert "does not answer" not in nothing
    model = GenericFakeChatModel(messages=iter([AIMessage("Die Isar [1].")]))
    chain = create_wiki_qa_chain(model, WikiRetriever.from_index(folder))
    answer = chain.invoke(GERMAN)
    assert (answer.answer, answer.abstained) == ("Die Isar [1].", False)
    assert "not the language of this question (German)" in answer.note
    run = CliRunner().invoke(app, ["search", GERMAN, "--index", str(folder)])
    assert run.exit_code == 0, run.output
    assert "(German)" in " ".join(run.output.split())
    as_json = CliRunner().invoke(app, ["search", GERMAN, "--index", str(folder), "--json"])
    assert "German" in json.loads(as_json.output)["note"]

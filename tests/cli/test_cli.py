"""The command `wikirank`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import run

from wikirank.index import WikiIndex


@pytest.fixture(scope="module")
def folder(tiny_index: WikiIndex) -> str:
    return str(tiny_index.path)


def test_brackets_in_names_are_not_markup(tmp_path: Path, tiny_wiki: Path) -> None:
    source = tmp_path / "notes[old].jsonl"
    source.write_bytes(tiny_wiki.read_bytes())
    into = str(tmp_path / "index")
    run("index", str(source), "--into", into)
    assert "notes[old].jsonl: 10 articles" in run("info", "--index", into)


def test_index_search_and_info(tmp_path: Path, tiny_wiki: Path) -> None:
    into = str(tmp_path / "index")
    (report,) = json.loads(run("index", str(tiny_wiki), "--into", into, "--json", "--quiet"))
    assert (report["added"], report["passages_written"]) == (10, 31)
    info = json.loads(run("info", "--index", into, "--json"))
    assert info["sources"] == {"tiny-wiki.jsonl": 10}
    assert info["splitter"] == {"kind": "sentences", "max_chars": 500, "overlap": 0}
    assert "31" in run("info", "--index", into)


def test_search_as_json(folder: str) -> None:
    answer = json.loads(run("search", "who eats herring?", "--index", folder, "--json", "--k", "2"))
    assert answer["query"] == "who eats herring?"
    assert [result["rank"] for result in answer["results"]] == [1, 2]
    first: dict[str, Any] = answer["results"][0]
    assert 0 <= first["relevance_score"] <= 1
    assert first["url"].startswith("https://wiki.example/")
    assert first["metadata"]["topic"]
    assert answer["timings_ms"]["rerank"] > 0


def test_search_reranks_unless_told_not_to(folder: str) -> None:
    arguments = ["search", "herring", "--index", folder, "--json", "--k", "1"]
    (reranked,) = json.loads(run(*arguments))["results"]
    (plain,) = json.loads(run(*arguments, "--no-rerank"))["results"]
    assert plain["relevance_score"] is None
    assert 0 <= reranked["relevance_score"] <= 1


def test_search_as_text(folder: str) -> None:
    text = run("search", "merge sort", "--index", folder, "--no-rerank", "--timings", "--k", "1")
    assert "Sorting › Merge sort" in text
    assert "https://wiki.example/Sorting#Merge_sort" in text
    assert "total" in text


def test_filters_by_key_and_value(folder: str) -> None:
    arguments = ["search", "light", "--index", folder, "--no-rerank", "--json", "--k", "9"]
    answer = json.loads(run(*arguments, "--filter", "year=1871", "--filter", "topic=Places"))
    assert {result["title"] for result in answer["results"]} == {"Amber Lighthouse"}
    assert "Keys in this index: passage_number" in run(*arguments, "--filter", "hue=1", status=1)
    assert "key=value" in run(*arguments, "--filter", "hue", status=2)


def test_no_results_are_reported(folder: str) -> None:
    text = run("search", "light", "--index", folder, "--no-rerank", "--filter", "topic=None")
    assert "No passage answers 'light'." in text


def test_rerank_is_a_filter() -> None:
    requests = [
        {"query": "Who hunts herring?", "passages": ["Bread is baked.", "Cod hunt herring."]},
        {"query": "nothing", "passages": []},
    ]
    lines = "\n".join(json.dumps(request) for request in requests)
    first, second = map(json.loads, run("rerank", given=lines).splitlines())
    assert first.keys() == {"scores", "ranking"}
    assert sorted(first["ranking"]) == [0, 1]
    best, worst = first["ranking"]
    assert 1 >= first["scores"][best] >= first["scores"][worst] >= 0
    assert second == {"scores": [], "ranking": []}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "in line 2 of standard input, got invalid JSON"),
        ('{"query": "q"}', "in line 2 of standard input, got other JSON"),
        ('{"query": "q", "passages": [1]}', "in line 2 of standard input, got other JSON"),
        ('["q"]', "in line 2 of standard input, got other JSON"),
        ('{"query": " ", "passages": ["p"]}', "query"),
    ],
)
def test_rerank_names_a_bad_line(line: str, message: str) -> None:
    good = json.dumps({"query": "q", "passages": []})
    assert message in run("rerank", given=f"{good}\n{line}\n", status=1)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["search", "q", "--index", "no-such-folder"], 1, "wikirank index SOURCE"),
        (["info", "--index", "no[red]such"], 1, "no[red]such. Create one"),
        (["search", " ", "--index", "{folder}"], 1, "query is empty"),
        (
            ["search", "q", "--index", "{folder}", "--k", "0"],
            1,
            "Expected k to be greater than or equal to 1, got 0",
        ),
        (["search", "q", "--index", "{folder}", "--model", "no/model/here"], 1, "no/model/here"),
        (["serve", "--index", "no-such-folder"], 1, "wikirank index SOURCE"),
        (["serve", "--index", "{folder}", "--host", "0.0.0.0"], 1, "Set WIKIRANK_TOKEN"),
        (["serve", "--index", "{folder}", "--port", "70000"], 2, "65535"),
        (["index", "no-such.jsonl", "--into", "{tmp}/x"], 1, "no-such.jsonl"),
        (["index", "{tmp}/empty.jsonl", "--into", "{tmp}/x"], 1, "no article with text"),
        (["index", "{tmp}/latin.jsonl", "--into", "{tmp}/x"], 1, "UTF-8"),
        (["index", "sample", "--into", "{folder}", "--max-chars", "300"], 1, "splitter"),
        (
            ["train", "--recipe", "card", "--epochs", "2", "--corpus", "x", "--output", "{tmp}/x"],
            1,
            "Expected only fixed settings with --recipe card, got --epochs",
        ),
        (
            [
                *("train", "--recipe", "card", "--loss", "bce", "--held-out-queries", "9"),
                *("--corpus", "x", "--output", "{tmp}/x"),
            ],
            1,
            "--recipe card, got --loss and --held-out-queries",
        ),
        (
            ["train", "--loss", "distillation", "--corpus", "x", "--output", "{tmp}/x"],
            1,
            "Expected a teacher",
        ),
        (
            [
                *("train", "--teacher", "bundled", "--loss", "both"),
                *("--corpus", "x", "--output", "{tmp}/x"),
            ],
            1,
            "Expected no teacher with the loss 'both'",
        ),
        (
            ["train", "--questions", "q.jsonl", "--corpus", "x", "--output", "{tmp}/x"],
            1,
            "Expected a teacher for unlabelled questions",
        ),
        (["train", "--loss", "mse", "--corpus", "x", "--output", "{tmp}/x"], 2, "distillation"),
        (["index", "a", "b", "--name", "n", "--into", "{tmp}/x"], 1, "one by one"),
        (
            ["index", "sample", "--splitter", "words", "--into", "{tmp}/x"],
            1,
            "sentences or windows",
        ),
    ],
)
def test_bad_input_is_one_clear_message(
    arguments: list[str], status: int, message: str, folder: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "latin.jsonl").write_bytes(b'{"title": "Caf\xe9", "text": "Coffee."}\n')
    filled = [argument.format(folder=folder, tmp=tmp_path) for argument in arguments]
    assert message in run(*filled, status=status)


def test_empty_corpus_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    run("index", str(tmp_path / "empty.jsonl"), "--into", str(tmp_path / "x"), status=1)
    assert not (tmp_path / "x").exists()


def test_corrupt_model_is_reported(folder: str, tmp_path: Path) -> None:
    from wikirank.runtime.model_folder import bundled_model

    for file in bundled_model("cross-encoder").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    network = max(tmp_path.glob("*.onnx"))
    damaged = bytearray(network.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    network.write_bytes(damaged)
    message = run("search", "q", "--index", folder, "--model", str(tmp_path), status=1)
    assert network.name in message


@pytest.mark.parametrize(
    "command", ["index", "search", "rerank", "info", "demo", "train", "evaluate", "serve"]
)
def test_help_explains_each_command(command: str) -> None:
    assert "Usage: wikirank" in run(command, "--help")


def test_version() -> None:
    assert run("--version").startswith("wikirank 0.")

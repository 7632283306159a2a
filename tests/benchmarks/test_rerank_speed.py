"""A tiny real run of the reranking benchmark, with ours alone, and of the growth benchmark."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import growth
import pytest
import rerank_speed
from contestants.processes import child_environment

TEXTS = {
    "a": "Canberra was chosen as the capital of Australia in 1908.",
    "b": "Frost is frozen dew. It forms on clear nights.",
    "c": "A violin has four strings, usually tuned in perfect fifths.",
}
QUESTIONS = {"q0": ("How many strings has a violin?", "c"), "q1": ("What is frost?", "b")}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set of the form of SQuAD dev, written by us."""
    passages = [{"id": id_, "text": text} for id_, text in TEXTS.items()]
    questions = [
        {"id": id_, "question": question, "passage_id": answer}
        for id_, (question, answer) in QUESTIONS.items()
    ]
    for name, records in (("passages", passages), ("questions", questions)):
        lines = "\n".join(json.dumps(record) for record in records)
        (tmp_path / f"squad-dev-{name}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return tmp_path


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(Path(rerank_speed.__file__).with_name(script)), *arguments]
    environment = child_environment(own=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ours_alone(data: Path, tmp_path: Path) -> None:
    ours = ("wikirank", "wikirank-5", "wikirank-all")
    arguments = [str(tmp_path / "cache"), "--data", str(data), "--sizes", "2", "3"]
    arguments += ["--repeats", "1", "--quality", "2", "--only", *ours]
    found = json.loads(run("rerank_speed.py", *arguments, "--json"))
    assert list(found["rows"]) == list(ours)
    named = {name.split()[0] for name in found["versions"]}
    assert named >= {"onnxruntime", "langchain-core"}
    for row in found["rows"].values():
        assert {size: len(times) for size, times in row["seconds"].items()} == {"2": 1, "3": 1}
        assert 30 < row["peak_mb"]["2"] <= row["peak_mb"]["3"]
        assert [sorted(order) for order in row["orders"]] == [[0, 1, 2]] * 2
        assert [order[0] for order in row["orders"]] == [0, 0]  # BM25 had the answer first too.
    assert not (tmp_path / "cache" / "weights").exists()  # Peers alone need them.


def test_growth_goes_on_where_it_was(tmp_path: Path) -> None:
    quick = "--questions", "3", "--no-rerank"
    printed = run("growth.py", str(tmp_path), "--sizes", "20", *quick)
    assert [line.split(" | ")[1] for line in printed.splitlines()[2:3]] == ["20"]
    sizes = "--sizes", "20", "50"
    results = json.loads(run("growth.py", str(tmp_path), *sizes, *quick, "--json"))["rows"]
    assert [results[size]["written"][0] for size in ("20", "50")] == [20, 30]  # A copy went on.
    assert len(results["50"]["seconds"]) == 3
    assert tuple(results["50"]["stages"]) == growth.STAGES

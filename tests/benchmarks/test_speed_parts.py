"""The pure parts of the benchmarks of speed, by values worked out by hand."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import concurrency
import growth
import indexing_speed
import numpy as np
import pytest
import question_latency
import rerank_speed
from contestants.processes import ContestantError, ContestantProcess, child_environment
from contestants.synthetic import SyntheticEmbedder, SyntheticTexts
from machine import loaded_versions, machine, peak_memory_mb, timed_process
from squad import Candidates
from timing import Timings, alternate, ask_from_threads, markdown_table


def test_percentiles() -> None:
    times = Timings([0.04, 0.01, 0.03, 0.02, 0.05])
    assert times.p50 == pytest.approx(30)
    assert times.p95 == pytest.approx(48)  # a fifth of the way from the top, of the last step
    assert times.cell() == "30 / 48"
    assert Timings([0.0012345]).cell() == "1.23 / 1.23"


def test_a_table() -> None:
    assert markdown_table(["a", "b"], [["1", "2"]]).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        "| 1 | 2 |",
    ]


def test_each_round_begins_with_the_next_one() -> None:
    turns: list[tuple[str, int]] = []
    alternate(["a", "b", "c"], 2, lambda name, number: turns.append((name, number)))
    assert turns == [("a", 0), ("b", 0), ("c", 0), ("b", 1), ("c", 1), ("a", 1)]


def test_each_question_is_asked_once_and_failures_are_counted() -> None:
    asked: list[str] = []
    # Three must be under way at once, or the barrier breaks.
    barrier = threading.Barrier(3, timeout=20)

    def ask(question: str) -> None:
        asked.append(question)
        barrier.wait()
        if question == "bad":
            msg = "no"
            raise ValueError(msg)

    found = ask_from_threads(lambda: ask, ["a", "b", "bad"], clients=3)
    assert sorted(asked) == ["a", "b", "bad"]
    assert len(found["latencies"]) == 2
    assert max(found["latencies"]) <= found["seconds"]
    assert (found["failed"], found["failure"]) == (1, "ValueError: no")


def test_the_machine_and_its_memory() -> None:
    assert f"Python {sys.version.split()[0]}" in machine()
    before = peak_memory_mb()
    held = bytearray(b"x") * (64 * 2**20)
    assert peak_memory_mb() >= max(before, len(held) / 2**20)
    assert loaded_versions(["numpy", "no_such_package"]) == {"numpy": np.__version__}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_has_a_peak_of_its_own() -> None:
    environment = child_environment(own=True)
    held = bytearray(b"x") * (200 * 2**20)
    script = "import time; held = bytearray(b'x') * (50 * 2**20); time.sleep(0.2)"
    seconds, peak_mb = timed_process([sys.executable, "-c", script], environment)
    assert seconds > 0.2
    assert 50 < peak_mb < len(held) / 2**20
    with pytest.raises(subprocess.CalledProcessError, match="status 3"):
        timed_process([sys.executable, "-c", "raise SystemExit(3)"], environment)


def test_the_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo.py").write_text(
        "import sys\n"
        "def load(twice):\n"
        "    print('chatter on standard output')\n"
        "    def answer(request):\n"
        "        if request['text'] == 'end': sys.exit(3)\n"
        "        return {'text': request['text'] * (2 if twice else 1), 'bad': 1 / request['n']}\n"
        "    return answer\n",
        "utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    with ContestantProcess("echo:load", {"twice": True}) as process:
        assert process.loaded["versions"] == {}
        reply = process.ask(text="naïve\n", n=4)
        assert (reply["text"], reply["bad"]) == ("naïve\nnaïve\n", 0.25)
        assert reply["seconds"] >= 0
        assert reply["peak_mb"] > 1
        with pytest.raises(ContestantError, match="ZeroDivisionError"):
            process.ask(text="", n=0)
        assert process.ask(text="a", n=1)["text"] == "aa"  # An error does not end it.
        with pytest.raises(ContestantError, match="ended with status 3"):
            process.ask(text="end", n=1)
        with pytest.raises(ContestantError, match="ended"):
            process.ask(text="a", n=1)
    with pytest.raises(ContestantError, match="unexpected keyword"):
        ContestantProcess("echo:load", {"thrice": True})


def test_peers_see_no_packages_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    benchmarks = str(Path(rerank_speed.__file__).parent)
    assert child_environment(own=True)["PYTHONPATH"].split(":") == [benchmarks, "/ours"]
    assert child_environment(own=False)["PYTHONPATH"] == benchmarks


def test_reranking_table_by_hand() -> None:
    stock = rerank_speed.Measured({10: [1.0, 1.0], 50: [4.0, 4.0]}, {10: 500, 50: 600}, [[0, 1, 2]])
    ours = rerank_speed.Measured({10: [0.5, 0.5], 50: [1.0, 1.0]}, {10: 100, 50: 110}, [[1, 0, 2]])
    assert stock.pairs_per_second == 12  # (2 · 10 + 2 · 50) / 10
    sample = [Candidates("q", ["a", "b", "c"], relevant=1)]
    lines = rerank_speed.table({"wikirank": ours, "langchain": stock}, sample).splitlines()
    # 40 pairs/s; second place gains 1 / log2(3) = 0.6309; one swap of three: 1 − 6 · 2 / (3 · 8).
    assert lines[2].startswith(
        "| 3.33 | the logit alone: 10 | as shipped | 40 | 2.00: 500 / 500 | 4.00:"
    )
    assert lines[2].endswith("| 100 / 110 | 1.0000 | 0.5000 |")
    assert lines[3].endswith("| 500 / 600 | 0.6309 | 1.0000 |")
    alone = rerank_speed.table({"wikirank": ours}, []).splitlines()[2]
    assert alone.startswith(
        "| – | the logit alone: 10 | as shipped | 40 | 500 / 500 | 1000 / 1000 |"
    )
    assert rerank_speed.mean_ndcg([[0], [0]], [Candidates("q", ["a"], None)] * 2) == 0


def test_versions_of_all_contestants() -> None:
    loaded = [{"torch": "2", "onnxruntime": "1"}, {"torch": "1"}, {"torch": "2"}]
    assert rerank_speed.all_versions(loaded) == ["onnxruntime 1", "torch 1 / 2"]


def test_question_table_by_hand() -> None:
    stock = question_latency.Measured([2.0, 2.0], 1, [20.0], 900)
    ours = question_latency.Measured([0.5, 0.5], 2, [2.0], 300)
    command = question_latency.Measured(starts=[1.0], peak_mb=270)
    rows = question_latency.table({"wikirank": ours, "langchain": stock, "command": command})
    lines = rows.splitlines()
    assert lines[2] == "| 4.00 | `WikiRetriever` | 500 / 500 | 1.000 | 300 | 10.00: 2.00 |"
    assert lines[4].startswith("| – | `wikirank search`, the whole process | – | – | 270 | 20.00:")


def test_concurrency_table_by_hand() -> None:
    one = {"latencies": [1.0] * 4, "failed": 0, "failure": "", "seconds": 4.0}
    four = {"latencies": [2.0] * 4, "failed": 0, "failure": "", "seconds": 2.0}
    broken = {"latencies": [1.0], "failed": 3, "failure": "E: x", "seconds": 2.0}
    measured = {"wikirank": {1: one, 4: four}, "langchain": {1: one, 4: broken}}
    lines = concurrency.table(measured).splitlines()
    assert lines[3].startswith("| 4.00 | 2.00 | 4 | `WikiRetriever`, threads | 2 | 2000 / 2000")
    assert lines[5].endswith("| 0.5 | 1000 / 1000 | 3 (E: x) |")


def test_indexing_table_by_hand() -> None:
    ours = indexing_speed.Measured(100, [1.0, 3.0, 1.0, 1.0], [10, 20, 30, 40], 2.0)
    stock = indexing_speed.Measured(100, [6.0] * 4, [1, 2, 3, 4], 1.0)
    lines = indexing_speed.table({"wikirank": ours, "langchain": stock}).splitlines()
    assert lines[2] == "| 4.00 | `WikiIndex` | 67 | 33 | 10 / 20 / 40 | 2.0 |"


def test_growth_table_by_hand() -> None:
    stages = {"dense": [1.0], "lexical": [2.0], "fuse": [3.0], "rerank": [4.0]}
    small = {"seconds": [0.1], "stages": stages, "peak_mb": 9, "size_mb": 5, "written": [10, 2]}
    large = {**small, "seconds": [0.25], "written": [0, 0]}
    lines = growth.table({10000: small, 1000000: large}).splitlines()
    row = "| 100 / 100 | 1.0 / 2.0 / 3.0 / 4.0 | 9 | 5 | 5 |"
    assert lines[2] == f"| 1.00 | 10,000 {row}"
    assert lines[3] == f"| 2.50 | 1,000,000 {row[:-3].replace('100', '250')}– |"


def test_made_up_passages_are_the_same_each_time_and_near_their_topic() -> None:
    texts, again = SyntheticTexts(), SyntheticTexts()
    passages = texts.passages(0, 3000)
    assert passages[7:9] == again.passages(7, 9)
    assert len({passage.text for passage in passages}) == 3000
    embedder = SyntheticEmbedder()
    vectors = embedder.embed_passages([passage.text for passage in passages])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    question = texts.question(3)
    nearest = int(np.argmax(vectors @ embedder.embed_query(question)))
    assert passages[nearest].text.split()[0] == question.split()[0]

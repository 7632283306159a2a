"""Output of the commands: in terminals of any width and encoding, and in pipes."""

from __future__ import annotations

import os
import re
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from command import WIKIRANK, run
from rich.console import Console

from wikirank.cli.output import ProgressLines, excerpt, index_progress, print_results, step_progress
from wikirank.evaluate.report import row_labels
from wikirank.index.report import IndexProgress
from wikirank.rank import load_cross_encoder
from wikirank.search.answers import answering_sentences
from wikirank.types import Passage, RankedPassage

BOXES = re.compile("[\u2500-\u259f]")
FILLER = "The town lies in a valley where three rivers meet, and its market is known for cheese. "
ANSWER = "The bridge was built by Anna Weaver in 1871."
TEXT = f"{FILLER * 4}{ANSWER} Trains stop there twice a day."


def passage(text: str, title: str = "Old Town") -> Passage:
    return Passage(id=title, text=text, title=title, url="https://wiki.example/Old_Town")


def result(text: str = TEXT, title: str = "Old Town") -> RankedPassage:
    return RankedPassage(
        passage=passage(text, title),
        rank=1,
        rank_before=4,
        dense_score=0.4,
        lexical_score=2.0,
        fusion_score=0.03,
        rerank_logit=2.0,
        relevance_score=0.88,
    )


def printed(*, width: int = 80, terminal: bool = True, title: str = "Who built it?") -> str:
    console = Console(
        file=StringIO(), width=width, force_terminal=terminal, color_system="standard"
    )
    print_results(console, [result()], title=title, answers=[ANSWER], reranked=True)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("model", ["bundled", None])
def test_the_sentence_that_answers_is_found(model: str | None) -> None:
    cross_encoder = load_cross_encoder(model) if model else None
    passages = [passage(TEXT), passage("No sentence about it"), passage("")]
    found = answering_sentences("Who built the bridge?", passages, cross_encoder)
    assert found == [ANSWER, "No sentence about it", ""]


def test_a_terminal_highlights_the_sentence_that_answers() -> None:
    shown = printed()
    assert BOXES.search(shown)
    marked = "".join(re.findall(r"\x1b\[[0-9;]*43m(.*?)\x1b\[0m", shown))
    assert " ".join(marked.split()) == ANSWER
    assert "Old Town" in shown
    assert FILLER[:40] not in shown


@pytest.mark.parametrize("width", [40, 200])
def test_any_width_of_a_terminal(width: int) -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\", "", printed(width=width))
    assert all(len(line) <= width for line in plain.splitlines())
    letters = re.sub(r"\W", "", plain)
    assert re.sub(r"\W", "", "Anna Weaver") in letters


def test_a_pipe_gets_lines_without_boxes_or_colours() -> None:
    shown = printed(terminal=False, width=30, title="Who\x1b[2J built it?")
    assert shown.splitlines() == [
        "Who [2J built it?",
        "1. Old Town (score 0.880, was 4)",
        f"   … {ANSWER} Trains stop there twice a day.",
        "   https://wiki.example/Old_Town",
    ]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["search", "--help"], "Examples:\n\n  - wikirank search"),
        (["train", "--help"], "with the questions of your search log:\n\n  - wikirank train"),
        (["--help"], "Commands:"),
        (["search", "--k", "x", "y"], "Error: Invalid value for '--k'"),
        (["sarch"], "No such command 'sarch'"),
        (["mcp", "--nothing"], "No such option: --nothing"),
    ],
)
def test_help_and_usage_errors_in_a_pipe_have_no_boxes(arguments: list[str], shown: str) -> None:
    printed = run(*arguments, status=0 if "--help" in arguments else 2)
    assert shown in printed
    assert not BOXES.search(printed)
    assert "`" not in printed.partition("Options:")[0]


def test_excerpts() -> None:
    assert excerpt("One. Two. Three.", "Two.") == "… Two. Three."
    assert excerpt("One.\n\nTwo.", "") == "One. Two."
    assert excerpt("", "") == ""
    long = "word " * 400
    shown = excerpt(long, long.strip())
    assert shown.endswith("word …")
    assert len(shown) < 620
    assert excerpt(f"First one. {long}", "First one.").endswith("word …")
    assert len(excerpt(f"First one. {long}", "First one.")) < 260


def test_a_line_of_progress_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = [0.0]
    lines = ProgressLines(clock=lambda: seconds[0])
    for _ in range(25):
        seconds[0] += 1
        lines.write(f"{seconds[0]:.0f} s")
    lines.write("Another step", topic="other")
    ProgressLines(show=False, clock=lambda: 1e9).write("never", topic="any")
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", ["10 s", "20 s", "Another step"])


def test_progress_without_a_terminal_is_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with step_progress() as on_step:
        for done in range(3):
            on_step("Searching", done, 3)
        on_step("Reranking", 0, 3)
    with step_progress(show=False) as on_step:
        on_step("Never", 0, 3)
    with index_progress("Indexing x") as on_progress:
        on_progress(IndexProgress(articles=1, total=2, passages=3))
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", ["Searching: 0 of 3", "Reranking: 0 of 3"])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_is_not_utf8(encoding: str, tmp_path: Path, tiny_wiki: Path) -> None:
    folder = str(tmp_path / "index")
    run("index", str(tiny_wiki), "--into", folder, "--quiet")
    done = subprocess.run(
        [WIKIRANK, "search", "merge sört › 日本?", "--index", folder, "--no-rerank", "--timings"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "40"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode(encoding)
    assert "merge s" in shown
    assert "Merge sort" in shown
    assert not BOXES.search(shown)


def test_a_failed_index_leaves_no_folder_of_its_own(tmp_path: Path) -> None:
    bad = tmp_path / "bad.xml"
    bad.write_text("<html></html>")
    folder = tmp_path / "index"
    run("index", str(bad), "--into", str(folder), status=1)
    assert not folder.exists()
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    run("index", str(bad), "--into", str(folder), status=1)
    assert (folder / "notes.txt").read_text() == "mine"


def test_labels_tell_rows_apart() -> None:
    first = "hybrid + langchain-wikirank/wiki-minilm-"
    names = ["BM25", f"{first}a", f"{first}b", f"{first}int8-cascade", f"x{first}a"]
    labels = row_labels(names, 30)
    assert list(labels) == names
    assert len(set(labels.values())) == len(names)
    assert all(len(label) <= 30 for label in labels.values())
    assert labels["BM25"] == "BM25"
    same = [f"{'a' * 100}{middle}{'b' * 100}" for middle in "xyz"]
    assert len(set(row_labels(same, 30).values())) == 3
    assert row_labels([], 30) == {}
    assert row_labels(["twice", "twice"], 30) == {"twice": "twice"}

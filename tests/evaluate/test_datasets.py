"""Data sets to evaluate on: files, a model's held-out queries, and the card's wiki-eval."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import run_command
from locations import SHARED
from rich.console import Console

from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.evaluate.candidates import SearchedCandidates, build_index
from wikirank.evaluate.datasets import load_retrieval_dataset
from wikirank.evaluate.held_out import load_held_out
from wikirank.evaluate.html_report import html_page
from wikirank.evaluate.report import terminal_report
from wikirank.evaluate.results import EvaluationSettings
from wikirank.evaluate.run import evaluate
from wikirank.evaluate.wiki_eval import held_out_pairs, searched_dataset, wiki_eval_dataset
from wikirank.rank import load_cross_encoder
from wikirank.runtime.model_folder import bundled_model
from wikirank.train.card.evaluation import wiki_eval_samples
from wikirank.train.data.candidate_lists import CandidateList, write_candidate_lists
from wikirank.types import Article

QA = SHARED / "qa"

PASSAGES = [{"id": 0, "text": "Paris is in France."}, {"id": "p1", "text": "Rome is in Italy."}]
QUESTIONS = [
    {"id": 7, "question": "Where is Paris?", "passage_id": 0},
    {"id": 8, "question": "Which cities?", "passage_id": 0},
    {"id": 8, "question": "Which cities?", "passage_id": "p1"},
]


def write(path: Path, records: list[object]) -> Path:
    text = "\n".join(json.dumps(record) for record in records) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_reads_plain_and_gzipped_files(tmp_path: Path, suffix: str) -> None:
    dataset = load_retrieval_dataset(
        write(tmp_path / f"q{suffix}", QUESTIONS), write(tmp_path / f"p{suffix}", PASSAGES)
    )
    assert dataset.queries == {"7": "Where is Paris?", "8": "Which cities?"}
    assert dataset.passages == {"0": "Paris is in France.", "p1": "Rome is in Italy."}
    assert dataset.relevant == {"7": {"0"}, "8": {"0", "p1"}}


def test_a_passage_may_have_a_title(tmp_path: Path) -> None:
    questions = write(tmp_path / "q.jsonl", QUESTIONS)
    titled = [{**PASSAGES[0], "title": "Paris"}, {**PASSAGES[1], "title": ""}]
    dataset = load_retrieval_dataset(questions, write(tmp_path / "p.jsonl", titled))
    assert dataset.titles == {"0": "Paris"}
    wrong = write(tmp_path / "w.jsonl", [{**PASSAGES[0], "title": 7}])
    with pytest.raises(CorpusError, match=r"line 1.*'title'"):
        load_retrieval_dataset(questions, wrong)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"id": 1, "question": "Why?"}, "line 1.*passage_id"),
        ({"id": 1, "question": "Why?", "passage_id": 99}, "line 1.*99"),
        ({"id": 1, "question": " ", "passage_id": 0}, "line 1.*question"),
        ({"id": True, "question": "Why?", "passage_id": 0}, "line 1.*'id'"),
        ({"question": "Why?", "passage_id": 0}, "line 1.*'id'"),
        (["not", "an", "object"], "line 1.*object"),
    ],
)
def test_a_bad_question_names_its_line(tmp_path: Path, record: object, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        load_retrieval_dataset(
            write(tmp_path / "q.jsonl", [record]), write(tmp_path / "p.jsonl", PASSAGES)
        )


def test_one_id_with_two_questions_is_refused(tmp_path: Path) -> None:
    records: list[object] = [QUESTIONS[0], {**QUESTIONS[0], "question": "Where is Rome?"}]
    with pytest.raises(CorpusError, match=r"line 2.*one question"):
        load_retrieval_dataset(
            write(tmp_path / "q.jsonl", records), write(tmp_path / "p.jsonl", PASSAGES)
        )


def test_a_repeated_passage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"line 2.*new passage id"):
        load_retrieval_dataset(
            write(tmp_path / "q.jsonl", QUESTIONS),
            write(tmp_path / "p.jsonl", [PASSAGES[0], PASSAGES[0]]),
        )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.jsonl", b'{"id": 0, "text": "caf\xe9"}\n'),  # Latin-1, not UTF-8
        ("p.jsonl", b"{broken\n"),
        ("p.jsonl", b"\n"),
        ("p.jsonl.gz", b"not gzip"),
        ("p.jsonl.gz", gzip.compress(b'{"id": 0, "text": "cut"}\n', mtime=0)[:-12]),
    ],
)
def test_an_unreadable_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=name):
        load_retrieval_dataset(write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / name)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"absent\.jsonl"):
        load_retrieval_dataset(tmp_path / "q.jsonl", tmp_path / "absent.jsonl")


@pytest.mark.skipif(not QA.is_dir(), reason="the shared data folder is not here")
def test_reads_squad_dev() -> None:
    dataset = load_retrieval_dataset(
        QA / "squad-dev-questions.jsonl.gz", QA / "squad-dev-passages.jsonl.gz"
    )
    assert len(dataset.queries) == 10_570
    assert len(dataset.passages) == 2_067
    assert dataset.queries["2"] == "Where did Super Bowl 50 take place?"
    assert "Santa Clara, California" in dataset.passages[next(iter(dataset.relevant["2"]))]


# --- the held-out queries of a model ----------------------------------------------------------

LISTS = [
    CandidateList(
        query="Which moth flies by day?",
        style="title_question",
        positive="Burnet moth\nBurnet moths fly by day.",
        candidates=[
            "Hawk moth › Flight\nHawk moths hover.",
            "Burnet moth\nBurnet moths fly by day.",
            "Burnet moth › Larva\nThe larvae eat vetch.",
            "Owls fly by night.",
        ],
        positive_rank=1,
        dense=[0.5, 0.7, None, 0.1],
        lexical=[4.0, None, 6.0, None],
    ),
    CandidateList(
        query="vetch root nodules",
        style="keywords",
        positive="Vetch\nVetch has nodules on its roots.",
        candidates=["Burnet moth › Larva\nThe larvae eat vetch."],
        positive_rank=-1,
        dense=[0.4],
        lexical=[3.0],
    ),
    CandidateList(
        "moths by night", "keywords", "Owls.", ["Moths.", "Owls."], 1, [0.2, 0.1], [1, 2]
    ),
]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run folder of `wikirank train --recipe wiki`, with the files that an evaluation reads."""
    folder = tmp_path / "my-model"
    write_candidate_lists(folder / "data" / "test.jsonl.gz", LISTS)
    (folder / "onnx").symlink_to(bundled_model("cross-encoder"))
    return folder


def test_held_out_candidates_in_three_orders(run_folder: Path) -> None:
    dataset, candidates = load_held_out(run_folder)
    found = candidates.find("0", 3)
    orders = {stage: [r.passage.id for r in held.candidates] for stage, held in found.items()}
    assert orders == {
        "lexical": ["0-2", "0-0"],
        "dense": ["0-1", "0-0", "0-3"],
        "hybrid": ["0-0", "0-1", "0-2"],
    }
    best = found["dense"].candidates[0]
    assert best.passage.headed_text == best.passage.text == LISTS[0].positive
    assert (best.rank, best.dense_score, best.lexical_score) == (1, 0.7, None)
    assert dataset.relevant == {"0": {"0-1"}, "1": {"1-missed"}, "2": {"2-1"}}
    assert dataset.titles["0-1"] == dataset.titles["0-2"] == "Burnet moth"
    assert "0-3" not in dataset.titles
    assert dataset.kinds == {"0": "title question", "1": "keywords", "2": "keywords"}
    assert (candidates.passages, candidates.distractors) == (6, 0)


def test_held_out_queries_are_evaluated_by_hand(run_folder: Path) -> None:
    dataset, candidates = load_held_out(run_folder)
    models = {"card": load_cross_encoder()}
    found = evaluate(candidates, dataset, models, EvaluationSettings(depth=20))
    rows = {row.name: row for row in found.rankings}
    # Ranks of the positive in the lists: 2, missed, 2; dense: 1, missed, 2; BM25: none, none, 1.
    assert rows["hybrid"].metrics["mrr@10"] == pytest.approx((1 / 2 + 0 + 1 / 2) / 3)
    assert rows["dense"].metrics["mrr@10"] == pytest.approx((1 + 0 + 1 / 2) / 3)
    assert rows["BM25"].metrics["mrr@10"] == pytest.approx((0 + 0 + 1) / 3)
    assert rows["hybrid + oracle"].metrics["mrr@10"] == pytest.approx(2 / 3)
    assert rows["hybrid"].stages_ms == {}
    assert rows["hybrid + card"].stages_ms.keys() == {"rerank", "total"}
    strata = {held.name: (held.by, held.queries) for held in found.strata}
    assert strata.pop("same-article distractors") == ("stratum", 1)
    assert strata.pop("keywords") == ("kind of query", 2)
    assert strata.pop("title question") == ("kind of query", 1)
    console = Console(width=80)
    with console.capture() as capture:
        console.print(terminal_report(found))
    assert "nDCG@10 by kind of query" in capture.get()
    assert "Times include only reranking." in " ".join(capture.get().split())
    assert "against latency" in html_page(found)
    assert "against latency" not in html_page(evaluate(candidates, dataset, {}))


def test_a_folder_without_held_out_queries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"recipe wiki.*data/test\.jsonl\.gz"):
        load_held_out(tmp_path)


def test_candidate_lists_are_read_without_torch() -> None:
    code = (
        "import sys, wikirank.evaluate.held_out, wikirank.evaluate.wiki_eval\n"
        "sys.exit(not {'torch', 'transformers', 'datasets', 'matplotlib'}.isdisjoint(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the card's wiki-eval ---------------------------------------------------------------------


def wordy_article(seed: int) -> Article:
    """Return sentences of numbers, each one token: about eight windows with distinct queries."""
    rng = np.random.default_rng(seed)
    words = rng.integers(100, 1000, size=1600).astype(str)
    sentences = [f"The {' '.join(words[index : index + 20])}." for index in range(0, 1600, 20)]
    return Article(f"Article {seed}", " ".join(sentences))


def test_wiki_eval_is_what_the_card_recipe_holds_out() -> None:
    articles = [wordy_article(seed) for seed in range(8)]
    pairs = held_out_pairs(articles, n_windows=40)
    dataset, samples = wiki_eval_dataset(pairs), wiki_eval_samples(pairs)
    assert [
        {
            "query": question,
            "positive": [dataset.passages[id_] for id_ in dataset.relevant[query]],
            "negative": [
                dataset.passages[id_] for id_ in dataset.pools[query] - dataset.relevant[query]
            ],
        }
        for query, question in dataset.queries.items()
    ] == samples
    with build_index(dataset) as index:
        candidates = SearchedCandidates(index, dataset)
        assert (candidates.passages, candidates.distractors) == (2 * len(samples), 0)
        for query in dataset.queries:
            for stage in candidates.find(query, 2).values():
                assert {held.passage.id for held in stage.candidates} <= dataset.pools[query]
                assert stage.candidates[0].passage.id == f"{query}-own"  # It is that easy.
            assert len(candidates.find(query, 2)["dense"].candidates) == 2


def test_wiki_eval_can_be_searched() -> None:
    pairs = held_out_pairs((wordy_article(seed) for seed in range(8)), n_windows=40)
    dataset = searched_dataset(pairs)
    assert len(pairs) == 16
    assert set(dataset.passages.values()) == {pair.passage for pair in pairs}
    answered = {
        (dataset.queries[query], dataset.passages[id_])
        for query, ids in dataset.relevant.items()
        for id_ in ids
    }
    assert answered == {(pair.query, pair.passage) for pair in pairs if pair.label}
    assert dataset.pools == {}


# --- the command ------------------------------------------------------------------------------


def command(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return run_command("evaluate", "--quiet", *arguments, status=status)


def evaluated(*arguments: str) -> dict[str, Any]:
    values = json.loads(command("--json", *arguments).stdout)
    assert isinstance(values, dict)
    return values


def test_command_takes_a_models_own_queries_and_the_model(run_folder: Path) -> None:
    values = evaluated("--held-out", str(run_folder))
    assert values["dataset"] == "Held-out queries of my-model"
    assert (values["queries"], values["passages"], values["settings"]["depth"]) == (3, 6, 50)
    reranker, _ = values["rerankers"]
    assert reranker["name"] == f"hybrid + {load_cross_encoder().model_id}"
    (run_folder / "onnx").unlink()
    unfinished = command("--held-out", str(run_folder), status=1)
    assert f"model folder at {run_folder}/onnx" in " ".join(unfinished.stderr.split())
    named = ("--model", "bundled", "--device", "cpu", "--every", "2", "--search-type", "dense")
    values = evaluated("--held-out", str(run_folder), *named)
    assert values["queries"] == 2
    assert values["rankings"][3]["name"].startswith("dense + ")


def wordy_corpus(file: Path, articles: int) -> str:
    made = map(wordy_article, range(articles))
    return str(write(file, [{"title": article.title, "text": article.text} for article in made]))


@pytest.mark.slow
def test_command_makes_wiki_eval_of_a_corpus(tmp_path: Path) -> None:
    corpus = wordy_corpus(tmp_path / "wordy.jsonl", 105)
    values = evaluated("--wiki-eval", corpus, "--every", "10")
    assert values["dataset"] == "wiki-eval of wordy.jsonl"
    assert values["settings"]["depth"] == 2
    assert values["passages"] == pytest.approx(2 * 10 * values["queries"], abs=20)
    assert values["rankings"][2]["metrics"]["map@2"] == 1
    searched = evaluated("--wiki-eval", corpus, "--every", "20", "--depth", "3")
    assert searched["dataset"] == "wiki-eval of wordy.jsonl, searched"
    assert searched["queries"] > values["queries"]
    assert searched["settings"]["depth"] == 3
    small = command("--wiki-eval", wordy_corpus(tmp_path / "small.jsonl", 2), status=1)
    assert "Expected 599 different windows" in " ".join(small.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--held-out", "my-model", "--distractors", "sample"), "has its own candidates"),
        (("--wiki-eval", "sample", "--distractors", "sample"), "Add --depth to search"),
    ],
)
def test_command_refuses_what_given_candidates_cannot_take(
    arguments: tuple[str, ...], message: str
) -> None:
    assert message in " ".join(command(*arguments, status=1).stderr.split())

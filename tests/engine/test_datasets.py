"""Reading a retrieval data set from its pair of JSON-lines files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from wikirank.errors import CorpusError
from wikirank.evaluate.datasets import load_retrieval_dataset

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "qa"

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
        ("p.jsonl.gz", gzip.compress(b'{"id": 0, "text": "cut"}\n')[:-12]),
    ],
)
def test_an_unreadable_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=name):
        load_retrieval_dataset(write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / name)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"absent\.jsonl"):
        load_retrieval_dataset(tmp_path / "q.jsonl", tmp_path / "absent.jsonl")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_reads_squad_dev() -> None:
    dataset = load_retrieval_dataset(
        SHARED / "squad-dev-questions.jsonl.gz", SHARED / "squad-dev-passages.jsonl.gz"
    )
    assert len(dataset.queries) == 10_570
    assert len(dataset.passages) == 2_067
    assert dataset.queries["2"] == "Where did Super Bowl 50 take place?"
    assert "Santa Clara, California" in dataset.passages[next(iter(dataset.relevant["2"]))]

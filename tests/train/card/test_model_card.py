"""The model card says what the run's record says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from wikirank.errors import ModelError
from wikirank.train.card.model_card import QuestionResult, model_card
from wikirank.train.card.record import DataRecord, Lengths, OverlapRecord, TrainingRecord
from wikirank.train.fit.history import EpochRecord, OnnxRecord


def metrics(value: float) -> dict[str, float]:
    return {f"wiki-eval_{name}": value for name in ("map", "mrr@10", "ndcg@10")}


RECORD = TrainingRecord(
    model_id="someone/some-model",
    base={
        "name": "org/base-model",
        "revision": "abc123",
        "new_head": True,
        "fallback": False,
        "description": "Base model: org/base-model (abc123).",
    },
    data=DataRecord(
        corpus="my-wiki.jsonl",
        n_articles=1_234,
        n_eligible=5_678,
        n_windows=77,
        n_train=123,
        n_eval=31,
        mean_label=0.4963,
        query_chars=Lengths(35, 120.46, 501),
        passage_chars=Lengths(173, 480.25, 499),
        samples=[
            {"query": "What is a | b?", "passage": "a | b.\n<b>c</b>", "label": 1.0},
        ],
    ),
    hyperparameters={"learning_rate": 5e-5, "num_train_epochs": 2},
    epochs=[
        EpochRecord(1.0, 8, 0.5432, metrics(0.8125)),
        EpochRecord(2.0, 16, 0.2345, metrics(0.9375)),
    ],
    wiki_eval_queries=5,
    seconds=61.4,
    resumed=False,
    onnx=OnnxRecord("0" * 64, 22_900_000, 0.9876, 30),
    overlap=OverlapRecord(
        12,
        {
            "word overlap": {"map": 0.91, "mrr@10": 0.92, "ndcg@10": 0.93},
            "reranked": {"map": 0.81, "mrr@10": 0.82, "ndcg@10": 0.83},
            "reranked, misses count": {"map": 0.71, "mrr@10": 0.72, "ndcg@10": 0.73},
        },
    ),
    versions={"python": "3.10.1", "torch": "2.10"},
)


def test_sections_are_those_of_the_original_card_and_ours() -> None:
    text = re.sub(r"```.*?```", "", model_card(RECORD), flags=re.DOTALL)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# someone/some-model",
        "## Model Details",
        "## Usage",
        "## Evaluation",
        "### wiki-eval",
        "### Natural questions",
        "## What it is not for",
        "## Training Data",
        "## Training Hyperparameters",
        "## Training Logs",
        "## Framework Versions",
    ]


def test_front_matter() -> None:
    head = model_card(RECORD).split("---\n")[1]
    assert 'base_model: "org/base-model"\n' in head
    assert "pipeline_tag: text-ranking\n" in head
    assert "- dataset_size:123\n- loss:BinaryCrossEntropyLoss\n" in head


@pytest.mark.parametrize(
    "line",
    [
        "| wiki-eval_ndcg@10 | 0.9375 |",  # the last epoch's
        "| 1 | 8 | 0.5432 | 0.8125 | 0.8125 | 0.8125 |",
        "| 2 | 16 | 0.2345 | 0.9375 | 0.9375 | 0.9375 |",
        "| word overlap | 0.9100 | 0.9200 | 0.9300 |",
        "| reranked, misses count | 0.7100 | 0.7200 | 0.7300 |",
        "| sentence_0 | string | 35 | 120.46 | 501 |",
        "| sentence_1 | string | 173 | 480.25 | 499 |",
        "| <code>What is a \\| b?</code> | <code>a \\| b.<br>&lt;b&gt;c&lt;/b&gt;</code> | 1.0 |",
        "- `learning_rate`: 5e-05",
        "- torch: 2.10",
    ],
)
def test_figures_come_from_the_record(line: str) -> None:
    assert line in model_card(RECORD).splitlines()


def test_usage_shows_predict_and_rank() -> None:
    card = model_card(RECORD)
    assert "model.predict(" in card
    assert "model.rank(query, passages)" in card


def test_natural_questions_are_given_or_said_to_be_missing() -> None:
    assert "Not measured in this run." in model_card(RECORD)
    rows = [
        QuestionResult("exam, 10 questions", "BM25", {"ndcg@10": 0.95, "mrr@10": 0.9}),
        QuestionResult("exam, 10 questions", "reranked", {"ndcg@10": 0.75, "mrr@10": 0.7}),
    ]
    card = model_card(RECORD, rows, questions_note="Asked on Monday.")
    assert "Asked on Monday.\n\n| questions | ranking | ndcg@10 | mrr@10 |" in card
    assert "| exam, 10 questions | reranked | 0.7500 | 0.7000 |" in card
    assert "Not measured" not in card


def test_a_resumed_run_says_so() -> None:
    assert "taken up from a checkpoint" not in model_card(RECORD)
    assert "resumed from a checkpoint" in model_card(replace(RECORD, resumed=True))


def test_the_summary_has_a_line_an_epoch_and_one_for_the_export() -> None:
    assert RECORD.summary().splitlines() == [
        "epoch 1: loss 0.5432, "
        "wiki-eval_map 0.8125, wiki-eval_mrr@10 0.8125, wiki-eval_ndcg@10 0.8125",
        "epoch 2: loss 0.2345, "
        "wiki-eval_map 0.9375, wiki-eval_mrr@10 0.9375, wiki-eval_ndcg@10 0.9375",
        "ONNX int8: 22.9 MB, Spearman 0.9876 with fp32 on 30 held-out pairs",
    ]


def test_the_record_survives_saving_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    RECORD.save(tmp_path)
    assert TrainingRecord.load(tmp_path) == RECORD
    (tmp_path / "training.json").write_text('{"model_id": "half"}')
    with pytest.raises(ModelError, match=r"training\.json"):
        TrainingRecord.load(tmp_path)

"""A real run of the wiki recipe on the tiny wiki, from corpus to model folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wikirank.corpus import open_source
from wikirank.errors import CorpusError, InvalidArgumentError, ModelError
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.train.data import (
    GroupOptions,
    Question,
    QuestionOptions,
    QuestionPair,
    read_candidate_lists,
    read_groups,
    read_question_groups,
)

pytest.importorskip("torch", reason="needs the [train] extra")

from wikirank.train.calibrate.measure import labels, rank_metrics
from wikirank.train.wiki.record import WikiRecord
from wikirank.train.wiki.run import WikiOptions, train_wiki

pytestmark = [pytest.mark.train, pytest.mark.slow]

OPTIONS = WikiOptions(
    training={"evaluations": 1, "bf16": False},
    train_length=64,
    max_length=128,
    depth=10,
    model_id="test/tiny-wiki",
)
PAIRS = [QuestionPair("Who hunts herring?", "Cod, seals and gannets hunt herring.")]


def train(wiki: Path, output: Path, options: WikiOptions = OPTIONS) -> tuple[WikiRecord, list[str]]:
    said: list[str] = []
    record = train_wiki(
        open_source(str(wiki)),
        output,
        corpus_name="tiny-wiki",
        pairs=PAIRS,
        options=options,
        progress=False,
        report=said.append,
    )
    return record, said


@pytest.fixture(scope="module")
def run(tiny_wiki: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, WikiRecord]:
    output = tmp_path_factory.mktemp("wiki-run") / "model"
    record, _ = train(tiny_wiki, output)
    return output, record


def test_what_it_leaves(run: tuple[Path, WikiRecord]) -> None:
    output, record = run
    assert WikiRecord.load(output) == record
    assert not (output / "checkpoints").exists()
    assert record.styles["pair"] == 1
    assert set(record.test) == {"BM25", "dense", "hybrid", "cross-encoder", "final order"}
    described = json.loads((output / "onnx" / "wikirank.json").read_text("utf-8"))
    assert described["headings"] is True
    fitted = {"scale": record.calibration.scale, "shift": record.calibration.shift}
    assert described["calibration"] == pytest.approx(fitted)
    weights = {name: getattr(record.combination, name) for name in described["combination"]}
    assert described["combination"] == pytest.approx(weights)


def test_held_out_articles_are_in_no_group(run: tuple[Path, WikiRecord], tiny_wiki: Path) -> None:
    output, _ = run
    trained = [
        text
        for group in read_groups(output / "data" / "groups.jsonl.gz")
        for text in (group.positive, *group.negatives)
    ]
    held = [
        answer.positive
        for part in ("dev", "test")
        for answer in read_candidate_lists(output / "data" / f"{part}.jsonl.gz")
    ]
    titles = {text.partition("\n")[0].partition(" › ")[0] for text in held}
    articles = {article.title: article.text for article in open_source(str(tiny_wiki))}
    assert titles
    assert titles <= articles.keys()
    for title in titles:
        own = [line for line in articles[title].splitlines() if not line.startswith("=")]
        assert not any(line in text for line in own for text in trained)


def test_model_loads_in_both_backends(run: tuple[Path, WikiRecord]) -> None:
    from sentence_transformers import CrossEncoder

    output, _ = run
    query, texts = "Who hunts herring?", ["Cod hunt herring.", "Bread is baked from flour."]
    model = CrossEncoder(str(output), device="cpu", trust_remote_code=True)
    logits = model.predict([(query, text) for text in texts])
    assert [r["corpus_id"] for r in model.rank(query, texts)] == list(np.argsort(-logits))
    exported = load_cross_encoder(output / "onnx")
    assert exported.model_id == "test/tiny-wiki"
    assert exported.max_length == 128
    assert np.abs(score_passages(exported, query, texts) - logits).max() < 0.5


def test_card_has_its_sections(run: tuple[Path, WikiRecord]) -> None:
    output, record = run
    card = (output / "README.md").read_text("utf-8")
    for section in ("Model Details", "Usage", "Evaluation", "Calibration", "Training"):
        assert f"\n## {section}\n" in card
    assert f"{record.test['final order']['ndcg@10']:.4f}" in card
    assert "not the original model" in card or not record.base["fallback"]


def test_finished_run_is_recognised_and_another_refused(
    run: tuple[Path, WikiRecord], tiny_wiki: Path
) -> None:
    output, record = run
    again, said = train(tiny_wiki, output)
    assert again == record
    assert "finished already" in said[-1]
    other = WikiOptions(model_id="test/other")
    with pytest.raises(InvalidArgumentError, match="Choose another output folder"):
        train(tiny_wiki, output, other)


def test_questions_are_learned_from_teachers_of_both_kinds(
    minilm: Path, tiny_wiki: Path, tmp_path: Path
) -> None:
    questions = [
        Question("when was the amber lighthouse built", ("1871",)),
        Question("what raises bread"),
        Question("who hunts herring?"),
    ]
    options = WikiOptions(
        training={"evaluations": 1, "bf16": False, "loss": "distillation"},
        groups=GroupOptions(most_made=4),
        questions=QuestionOptions(candidates=4, random=1),
        teachers=("bundled-embedder", str(minilm)),
        held_out_queries=12,
        depth=5,
    )
    output, said = tmp_path / "model", []
    record = train_wiki(
        open_source(str(tiny_wiki)),
        output,
        corpus_name="tiny-wiki",
        pairs=PAIRS,
        questions=questions,
        base="bundled",
        options=options,
        progress=False,
        report=said.append,
    )
    assert record.styles["question"] == 3
    mined = list(read_question_groups(output / "data" / "questions.jsonl.gz"))
    assert [group.query for group in mined] == [question.text for question in questions]
    assert any(mined[0].holds_answer)
    assert record.teaching is not None
    assert [teacher.kind for teacher in record.teaching.teachers] == ["bi-encoder"] * 2
    assert not record.teaching.fitted  # one pair is too few to fit weights of teachers
    assert WikiRecord.load(output) == record
    card = (output / "README.md").read_text("utf-8")
    assert f"| {minilm} | bi-encoder |" in card
    assert f"| together |  |  | {record.teaching.mrr:.4f} |" in card
    assert "fewer than 50: do not rely" in card
    few = [line for line in said if "fewer than 50: do not rely" in line]
    assert len(few) == 2
    assert few[0] in record.summary()
    described = json.loads((output / "onnx" / "wikirank.json").read_text("utf-8"))
    assert described["max_length"] == 128
    with pytest.raises(InvalidArgumentError, match="teacher for unlabelled questions"):
        train_wiki(
            open_source(str(tiny_wiki)), tmp_path / "x", corpus_name="x", questions=questions
        )


def test_a_missing_teacher_is_reported_at_once(tiny_wiki: Path, tmp_path: Path) -> None:
    options = WikiOptions(teachers=(str(tmp_path / "none"),), training={"loss": "distillation"})
    with pytest.raises(ModelError, match="none"):
        train_wiki(open_source(str(tiny_wiki)), tmp_path / "run", corpus_name="x", options=options)
    assert not (tmp_path / "run").exists()


def test_corpus_too_small(tmp_path: Path) -> None:
    wiki = tmp_path / "one.jsonl"
    wiki.write_text(json.dumps({"title": "One", "text": "Only one sentence."}), encoding="utf-8")
    with pytest.raises(CorpusError):
        train(wiki, tmp_path / "model")


def test_metrics_of_lists_by_hand() -> None:
    from wikirank.train.data import CandidateList

    lists = [
        CandidateList("q", "cloze", "b", ["a", "b", "c"], 1, [0.5, None, 0.7], [None, 9.0, 3.0]),
        CandidateList("r", "cloze", "x", ["a", "c"], -1, [0.5, 0.4], [None, None]),
    ]
    assert labels(lists).tolist() == [False, True, False, False, False]
    logits = [np.array([0.1, 0.9, 0.5]), np.array([0.3, 0.2])]
    combined = [np.array([3.0, 1.0, 2.0]), np.array([0.0, 0.0])]
    metrics = rank_metrics(lists, logits, combined)
    # The second list's answer was missed: 0 for all. The first list's is at rank 1 by BM25 and
    # by logit, at 2 in hybrid search, at 3 combined, and is not found by dense search.
    assert {name: row["mrr@10"] for name, row in metrics.items()} == pytest.approx(
        {
            "BM25": 1 / 2,
            "dense": 0,
            "hybrid": 1 / 4,
            "cross-encoder": 1 / 2,
            "final order": 1 / 6,
        },
        abs=1e-4,
    )

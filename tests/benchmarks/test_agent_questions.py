"""The agent questions: enough of each kind, and each gold answer is in one passage."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from agent_questions import QUESTIONS, Gold, Question, Step, gold_recall, read_questions, was_read
from locations import SHARED

from wikirank.corpus import open_source
from wikirank.passages.cut import article_passages
from wikirank.passages.splitters import SentenceSplitter

TECH = SHARED / "wiki/tech-articles.jsonl.gz"


def passages(spec: str) -> dict[str, list[str]]:
    """Passages by title, split as an index does by default."""
    found: dict[str, list[str]] = {}
    for article in open_source(spec):
        cut = article_passages(article, source="s", key=article.url, splitter=SentenceSplitter())
        found.setdefault(article.title, []).extend(passage.text for passage in cut)
    return found


def golds(*, tech: bool) -> list[Gold]:
    """Return the gold answers to look for in one corpus, including those asked of both."""
    corpora = ("tech", "both") if tech else ("sample",)
    return [gold for q in read_questions() if q.corpus in corpora for gold in q.gold]


def test_fifty_questions_of_several_steps_and_six_without_an_answer() -> None:
    questions = read_questions()
    asked = [question for question in questions if not question.unanswerable]
    assert Counter(question.corpus for question in asked) == {"sample": 20, "tech": 20, "both": 10}
    assert len(questions) - len(asked) == 6
    assert len({question.id for question in questions}) == 56
    assert all(2 <= len(question.steps) <= 3 for question in questions)
    queries = [step.query for question in questions for step in question.steps]
    assert len(set(queries)) == len(queries)
    for question in questions:
        assert all(bool(step.gold) is not question.unanswerable for step in question.steps)


def test_only_titles_and_short_phrases_are_kept() -> None:
    for line in QUESTIONS.read_text("utf-8").splitlines():
        record = json.loads(line)
        assert record.keys() <= {"id", "question", "corpus", "steps", "unanswerable"}
    for question in read_questions():
        assert all(len(gold.contains.split()) <= 12 for gold in question.gold)


def test_no_query_gives_its_gold_away() -> None:
    for question in read_questions():
        for step in question.steps:
            assert not any(was_read(gold, step.query) for gold in step.gold)


def test_each_gold_of_the_sample_stands_in_one_passage() -> None:
    found = passages("sample")
    for gold in golds(tech=False):
        assert any(was_read(gold, text) for text in found[gold.title]), gold


@pytest.mark.skipif(not TECH.exists(), reason="the shared data folder is not here")
def test_each_gold_of_the_other_corpora_stands_in_one_passage() -> None:
    sample, tech = passages("sample"), passages(str(TECH))
    for gold in golds(tech=True):
        texts = tech.get(gold.title, []) + sample.get(gold.title, [])
        assert any(was_read(gold, text) for text in texts), gold
    both = [question for question in read_questions() if question.corpus == "both"]
    for question in (q for q in both if q.gold):
        own = [any(was_read(g, t) for t in tech.get(g.title, [])) for g in question.gold]
        assert {True, False} == set(own), question.id


def test_recall_by_hand() -> None:
    steps = (
        Step("Where?", (Gold("A", "in the north"),)),
        Step("When?", (Gold("B", "in 1908"), Gold("C", "a cold  May"))),
    )
    question = Question("q", "Where and when?", "sample", steps)
    assert gold_recall(question, []) == 0
    assert gold_recall(question, ["It lies in\nthe north."]) == 1 / 3
    assert gold_recall(question, ["It lies in the", "north, in 1908.", "A cold May"]) == 1 / 3
    assert gold_recall(question, ["in 1908, a\tcold May,", "far in the north"]) == 1

"""Unlabelled questions: reading, answers in passages, candidates from a real index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.passages.duplicates import without_duplicates
from wikirank.train.data import (
    GroupOptions,
    Question,
    QuestionGroup,
    QuestionOptions,
    QuestionPair,
    build_groups,
    question_groups,
    read_question_groups,
    read_questions,
    write_question_groups,
)
from wikirank.train.data.questions import holds_answer, telling_answers
from wikirank.types import Passage

QUESTIONS = [
    Question("when was the amber lighthouse built", ("1871",)),
    Question("who hunts herring", ("gannets",)),
    Question("how to knead bread"),
    Question("is photosynthesis a process in plants", ("yes",)),
]


def write(file: Path, *records: Any) -> Path:
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return file


def test_a_search_log_is_read(tmp_path: Path) -> None:
    log = write(
        tmp_path / "log.jsonl",
        {"question": " Who built it? ", "answer": "Ilse Marn", "source": "log"},
        {"question": "who  built it"},
        {"question": "what is c++", "answer": ["a language", " "]},
        {"question": "what is c#"},
        {"question": "is it old", "answer": True},
        {"question": "how old is it", "answer": None},
    )
    assert list(read_questions(log)) == [
        Question("Who built it?", ("Ilse Marn",)),
        Question("what is c++", ("a language",)),
        Question("what is c#"),
        Question("is it old"),
        Question("how old is it"),
    ]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"question": " "}, "'question'"),
        ({"query": "q"}, "'question'"),
        ({"question": "q", "answer": 1871}, "'answer'"),
        ({"question": "q", "answer": ["a", 1]}, "'answer'"),
        ({"question": "half \ud800"}, "UTF-8"),
    ],
)
def test_a_bad_question_is_named(record: dict[str, Any], message: str, tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", {"question": "good"}, record)
    with pytest.raises(CorpusError, match=f"line 2: expected .*{message}"):
        list(read_questions(log))


@pytest.mark.parametrize(
    ("question", "answers", "text", "holds"),
    [
        ("who built it", ["Ilse Marn"], "It is by ILSE  MARN, of Kress.", True),
        ("who built it", ["Ilse Marn"], "Ilse Marner built it.", False),
        ("when", ["1871", "in 1871"], "It dates from 1871.", True),
        ("is it old", ["yes"], "Yes, it is.", False),
        ("is Velm or Kress larger", ["Velm"], "Velm is large.", False),
        ("首都はどこ", ["東京"], "日本の首都は東京である。", True),
        ("which language", ["C"], "It is written in C++.", False),
        ("which language", ["C++"], "Written in C++, mostly.", True),
        ("how wide", ["10 m"], "It is １０ m wide.", True),
        ("anything", [], "", False),
    ],
)
def test_what_holds_an_answer(question: str, answers: list[str], text: str, holds: bool) -> None:
    assert holds_answer(text, telling_answers(Question(question, tuple(answers)))) is holds


def groups_of(index: WikiIndex, **options: Any) -> list[QuestionGroup]:
    return list(question_groups(index, QUESTIONS, options=QuestionOptions(**options)))


def test_groups_hold_what_retrieval_finds_and_what_holds_the_answer(tiny_index: WikiIndex) -> None:
    groups = groups_of(tiny_index, candidates=6, top=2, random=2, depth=8)
    assert [group.query for group in groups] == [question.text for question in QUESTIONS]
    for group in groups:
        assert len(group.passages) == len(group.holds_answer) == 6
        assert without_duplicates(group.passages) == list(range(6))
    lighthouse, herring, bread, process = groups
    assert [text for text, holds in zip(lighthouse.passages, lighthouse.holds_answer, strict=True)
            if holds == ("1871" not in text)] == []  # fmt: skip
    assert any(lighthouse.holds_answer)
    assert any(herring.holds_answer)
    assert not any(bread.holds_answer + process.holds_answer)
    assert groups_of(tiny_index, candidates=6, top=2, random=2, depth=8) == groups


def test_the_holder_of_the_answer_is_there_though_it_is_far_down(tiny_index: WikiIndex) -> None:
    asked = [Question("how to knead bread", ("gannets",))]
    options = QuestionOptions(candidates=2, top=1, random=0, depth=50)
    (group,) = question_groups(tiny_index, asked, options=options)
    assert group.holds_answer == [True, False]
    assert "gannets" in group.passages[0]


def test_groups_have_headings_or_none_and_several_lengths(tiny_index: WikiIndex) -> None:
    asked = [Question(f"what is number {n}") for n in range(12)]
    options = QuestionOptions(short=1.0, lengths=(20, 30))
    groups = list(question_groups(tiny_index, asked, options=options))
    headed = [{"\n" in text for text in group.passages} for group in groups]
    assert {len(kinds) for kinds in headed} == {1}
    assert {kinds.pop() for kinds in headed} == {True, False}
    bare = list(question_groups(tiny_index, asked, prepend_heading=False, options=options))
    # Cut to one sentence each.
    assert all(text.count(".") == 1 for group in bare for text in group.passages)
    whole = question_groups(
        tiny_index, asked, prepend_heading=False, options=QuestionOptions(short=0.0)
    )
    assert max(text.count(".") for group in whole for text in group.passages) > 1


def test_beside_a_passage_without_a_heading_none_has_one() -> None:
    passages = [
        Passage(id=f"{n}", text=f"Dough rises by {n} parts of yeast.", title=title)
        for n, title in enumerate(("Bread", "Yeast", ""))
    ]
    with WikiIndex.create() as index:
        index.add_passages(passages)
        (group,) = question_groups(index, [Question("how dough rises")], drop_headings=0.0)
        assert sorted(group.passages) == [passage.text for passage in passages]


def test_a_cut_passage_keeps_the_answer(tiny_index: WikiIndex) -> None:
    options = QuestionOptions(short=1.0, lengths=(20, 20))
    (group,) = question_groups(tiny_index, QUESTIONS[:1], prepend_heading=False, options=options)
    assert any("1871" in text for text in group.passages)


def test_groups_are_read_as_they_were_written(tmp_path: Path) -> None:
    groups = [QuestionGroup("q", ["a", "b"], [True, False]), QuestionGroup("r", ["c"], [False])]
    assert write_question_groups(tmp_path / "g.jsonl.gz", groups) == 2
    assert list(read_question_groups(tmp_path / "g.jsonl.gz")) == groups
    bad = write(tmp_path / "bad.jsonl", {"query": "q", "passages": ["a"], "holds_answer": [1]})
    with pytest.raises(CorpusError, match="line 1: expected a list of 1 booleans"):
        list(read_question_groups(bad))


@pytest.mark.parametrize(
    "options",
    [{"candidates": 1}, {"top": -1}, {"depth": 0}, {"short": 1.5}, {"lengths": (9, 3)}],
)
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="Expected"):
        QuestionOptions(**options)


def test_negatives_of_a_long_passage_are_as_long() -> None:
    """Sections of several passages each, and pairs whose answers are whole paragraphs."""
    passages = [
        Passage(
            id=f"{title}-{n}",
            text=f"{title} was painted in colour number {n}, and then once more after a while.",
            source="s",
            article=title,
            number=n,
            title=title,
            section=("Colours",),
        )
        for title in ("House", "Boat", "Bridge", "Tower", "Barn")
        for n in range(6)
    ]
    answer = "The mill was painted white. " + "It has four sails and a store for the grain. " * 6
    pair = QuestionPair("which colour was the mill painted", answer.strip(), "Mill")
    with WikiIndex.create() as index:
        index.add_passages(passages)
        options = GroupOptions(headings=False, n_same_article=0, margin=100)
        (group,) = build_groups(index, [], [pair], options=options)
    # Most begin at a section's first passage; the last passages have none after them.
    assert max(len(text) for text in group.negatives) > 0.7 * len(group.positive)
    assert max(len(text) for text in group.negatives) < 1.3 * len(group.positive)

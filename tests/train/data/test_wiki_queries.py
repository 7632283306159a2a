"""Queries made from passages: styles by hand, masking by properties, reproducible by seed."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.corpus import open_source
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.passages.cut import article_passages
from wikirank.passages.splitters import SentenceSplitter
from wikirank.train.data import (
    DocumentFrequency,
    MadeQuery,
    QuestionPair,
    make_queries,
    read_pairs,
)
from wikirank.train.data.cloze import cloze_question
from wikirank.train.data.prose import is_prose, is_query, stands_alone
from wikirank.train.data.queries import ask_by_keywords, mask_sentence
from wikirank.train.data.titles import is_person, title_question
from wikirank.types import Passage

NO_COUNTS = DocumentFrequency(0, {})


def tiny_passages(tiny_wiki: Path) -> list[Passage]:
    return [
        passage
        for article in open_source(tiny_wiki)
        for passage in article_passages(
            article, source="tiny", key=article.url, splitter=SentenceSplitter()
        )
    ]


def asked(sentence: str, **about: str | bool) -> set[str]:
    """Return all questions about a sentence, in lower case and without question mark."""
    made = {cloze_question(sentence, random.Random(n), **about) for n in range(60)}  # type: ignore[arg-type]
    return {question.lower().rstrip("?") for question in made if question}


def titled(passage: Passage) -> set[str]:
    return {q for n in range(60) if (q := title_question(passage, random.Random(n)))}


# --- usable sentences ---------------------------------------------------------------------------


def test_formulas_markup_and_fragments_are_not_prose() -> None:
    assert is_prose("The lamp burned whale oil at first, and later gas and paraffin.")
    assert not is_prose("The lamp burned {\\displaystyle x} oil at first, and later gas as well.")
    assert not is_prose("12 + 34 (56) 78, 910: a b c d 11 12 13 14 15 16 17 18 19 20")
    assert not is_prose("Too short.")


@pytest.mark.parametrize(
    ("sentence", "alone"),
    [
        ("The lamp of the tower burned whale oil at first.", True),
        ("It was changed to paraffin oil in the year 1890.", False),
        ("However, the lamp of the tower burned whale oil.", False),
        ("The former is predicted by the law of great numbers.", False),
        ("For example, the lamp of the tower burned oil.", False),
        ("burned whale oil at first and paraffin from then on.", False),
        ("The lamp (of the tower burned whale oil at first.", False),
        ("Whale oil burned.", False),
        ("The lamp of the tower burned whale oil at", False),
    ],
)
def test_sentences_that_stand_alone(sentence: str, alone: bool) -> None:
    assert stands_alone(sentence) is alone


def test_queries_have_two_content_words_and_forty_words_at_most() -> None:
    assert is_query("amber lighthouse")
    assert is_query("the lamp of ____ burned")
    assert not is_query("what is it about him")
    assert not is_query("what is the lighthouse")
    assert not is_query("lamp tower " * 21)
    assert not is_query("<b>lamp</b> tower")


# --- by title -----------------------------------------------------------------------------------


def test_title_questions_of_a_lead() -> None:
    glacier = Passage("g", "A glacier is a body of ice that moves.", title="Glacier")
    assert titled(glacier) == {"What is a glacier?", "what is a glacier", "glacier meaning"}
    marn = Passage("m", "Ilse Marn was an architect of her century.", title="Ilse Marn")
    assert titled(marn) == {"Who was Ilse Marn?", "who was ilse marn"}
    dot = Passage("d", "A dot is a mark.", title="Dot (diacritic)")
    assert titled(dot) == {"dot diacritic", "what is dot diacritic"}


def test_title_questions_of_a_section() -> None:
    text = "The ice of a glacier slides over its bed."
    moving = Passage("m", text, title="Glacier", section=("Movement",), number=3)
    assert titled(moving) == {"glacier movement", "movement glacier"}
    history = Passage("h", text, title="Glacier", section=("Ice", "History (1900–2000)"), number=3)
    assert "What is the history of glacier?" in titled(history)
    assert "history of glacier" in titled(history)


@pytest.mark.parametrize(
    "passage",
    [
        Passage("1", "Text.", section=("Movement",)),
        Passage("2", "Text.", title="Glacier", section=("Movement",), start=10),
        Passage("3", "Text.", title="Glacier", number=1),
        Passage("4", "Text.", title="Glacier", section=("See also",)),
        Passage("5", "Text.", title="Glacier", section=("Overview",)),
        Passage("6", "Text.", title="Glacier", section=("2001: A year of ice",)),
    ],
    ids=["no title", "not the first", "not the lead's first", "links", "says nothing", "colon"],
)
def test_passages_without_a_title_question(passage: Passage) -> None:
    assert titled(passage) == set()


def test_people_are_distinguished_from_things() -> None:
    assert is_person("Ada Byron (1815–1852) wrote the first program. She was the child of a poet.")
    assert is_person("Teng Li-Chun, also known as Teresa Teng, was a Taiwanese singer.")
    assert not is_person("Paradise Lost is an epic poem by the English poet John Milton.")
    assert not is_person("A lawyer is a person who practises law.")


# --- cloze --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (
            "The tower was built in 1871 from yellow sandstone.",
            "when was the tower built from yellow sandstone",
        ),
        (
            "In 2015, Acme released a robot named Digit.",
            "when did acme release a robot named digit",
        ),
        ("The tower was designed by Ilse Marn in Kress.", "who designed the tower in kress"),
        ("Forty masons worked on the tower.", "how many masons worked on the tower"),
        (
            "The library of Kress has 4,000 books on herring.",
            "how many books does the library of kress have on herring",
        ),
        (
            "The old tower of Kress was closed because the stone was soft.",
            "why was the old tower of kress closed",
        ),
        (
            "The company sold its first robots to farmers in Velm.",
            "what did the company sell to farmers in velm",
        ),
        ("Ilse Marn wrote letters about wind and reeds.", "who wrote letters about wind and reeds"),
    ],
)
def test_questions_of_statements(sentence: str, question: str) -> None:
    assert question in asked(sentence)


def test_a_definition_asks_for_the_title() -> None:
    sentence = "A glacier (from French) is a body of ice that moves under its own weight."
    assert asked(sentence, title="Glacier") == {
        "what is a body of ice that moves under its own weight"
    }
    sentence = "Marn was a pioneer of wooden towers on islands."
    assert "who was a pioneer of wooden towers on islands" in asked(
        sentence, title="Marn", person=True
    )


def test_nothing_is_asked_where_there_is_nothing_to_ask_for() -> None:
    assert asked("The wind blows over the hills and the bogs all winter long.") == set()
    assert asked('The tower was "built in 1871" they say on the island.') == set()


# --- masking ------------------------------------------------------------------------------------

WORDS = "amber basil cedar delta ember fjord grove heron inlet jade kelp"
WORD = st.sampled_from(WORDS.split())
SENTENCE = st.lists(WORD, min_size=8, max_size=14).map(lambda w: " ".join(w).capitalize() + ".")


@given(st.lists(SENTENCE, min_size=3, max_size=6, unique=True), st.integers(0, 99), st.data())
def test_masking_takes_the_query_out_and_nothing_else(
    sentences: list[str], seed: int, data: st.DataObject
) -> None:
    gaps = [data.draw(st.sampled_from([" ", "  ", "\n", "\n\n"])) for _ in sentences]
    text = "".join(s + gap for s, gap in zip(sentences, gaps, strict=True)).strip()
    made = mask_sentence(Passage("p", text), random.Random(seed), NO_COUNTS)
    assert made is not None
    assert made.text in sentences
    if made.passage_text == text:  # one time in ten
        return
    assert made.text not in made.passage_text
    rest = [sentence for sentence in sentences if sentence != made.text]
    assert made.passage_text.split() == " ".join(rest).split()


def test_nine_sentences_in_ten_are_masked() -> None:
    text = (
        "The amber lighthouse stands on the northern cape of Velm. "
        "Forty masons from Kress worked on the tower for three summers. "
        "The lantern came by ship from a foundry far in the south."
    )
    made = [mask_sentence(Passage("p", text), random.Random(n), NO_COUNTS) for n in range(400)]
    kept = sum(query is not None and query.passage_text == text for query in made)
    assert 20 <= kept <= 60
    assert len({query.text for query in made if query}) == 3


def test_a_sentence_that_stands_there_twice_is_not_masked() -> None:
    twice = "The amber lighthouse stands on the northern cape of Velm."
    other = "Forty masons from Kress worked on the tower for three summers."
    passage = Passage("p", f"{twice} {other} {twice}")
    made = {mask_sentence(passage, random.Random(n), NO_COUNTS) for n in range(20)}
    assert {query.text for query in made if query} == {other}


# --- keywords -----------------------------------------------------------------------------------


def test_keywords_are_the_rarest_words_in_their_order() -> None:
    frequency = DocumentFrequency.of(
        ["The tower burned oil.", "The tower burned coal.", "A lantern, a tower, oil."] * 3
    )
    passage = Passage("p", "The tower burned coal, and its lantern burned oil of the whale.")
    made = ask_by_keywords(passage, random.Random(3), frequency)
    # Document frequencies of 9: tower 9, oil 6, burned 6, coal 3, lantern 3, whale 0.
    assert made is not None
    chosen = made.text.split()
    assert chosen == [w for w in ["coal", "lantern", "burned", "oil", "whale"] if w in chosen]
    assert {"coal", "lantern", "whale"} <= set(chosen)
    assert made.passage_text == passage.text


def test_too_few_telling_words_make_no_query() -> None:
    passage = Passage("p", "It is what it is, and that is that: the tower, the tower.")
    assert ask_by_keywords(passage, random.Random(0), NO_COUNTS) is None


# --- together -----------------------------------------------------------------------------------


def made_of(passages: list[Passage], seed: int, per_passage: int) -> list[tuple[str, MadeQuery]]:
    frequency = DocumentFrequency.of(passage.headed_text for passage in passages)
    made = make_queries(
        passages, rng=random.Random(seed), document_frequency=frequency, per_passage=per_passage
    )
    return [(passage.id, query) for passage, query in made]


def test_the_same_seed_makes_the_same_queries_of_several_styles(tiny_wiki: Path) -> None:
    passages = tiny_passages(tiny_wiki)
    made = made_of(passages, 1, 2)
    assert made == made_of(passages, 1, 2)
    assert made != made_of(passages, 2, 2)
    assert {query.style for _, query in made} >= {"title_question", "keywords", "cloze"}
    assert all(is_query(query.text) for _, query in made)
    ids = [id_ for id_, _ in made]
    assert max(map(ids.count, ids)) == 2
    assert len({(id_, query.style) for id_, query in made}) == len(made)


def test_unknown_styles_and_counts_are_refused() -> None:
    for styles in ({"rhyme": 1.0}, {"cloze": 0.0}, {"cloze": 1.0, "keywords": -1.0}):
        with pytest.raises(InvalidArgumentError, match="styles"):
            list(
                make_queries(
                    [],
                    rng=random.Random(0),
                    document_frequency=NO_COUNTS,
                    styles=styles,  # type: ignore[arg-type]
                )
            )
    with pytest.raises(InvalidArgumentError, match="per_passage"):
        list(make_queries([], rng=random.Random(0), document_frequency=NO_COUNTS, per_passage=0))


# --- the user's pairs ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
def test_pairs_are_read_with_title_and_section(tmp_path: Path, name: str) -> None:
    records = [
        {"question": "Why? ", "passage": "Because.", "kind": "sentence", "title": None},
        {"question": "Who?", "passage": "She.", "title": "Marn", "section": "Works › Early"},
        {"question": "What?", "passage": "It.", "title": "", "section": ["Works", "Early"]},
    ]
    data = "\n\n".join(map(json.dumps, records)).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert list(read_pairs(tmp_path / name)) == [
        QuestionPair("Why?", "Because."),
        QuestionPair("Who?", "She.", "Marn", ("Works", "Early")),
        QuestionPair("What?", "It.", "", ("Works", "Early")),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"question": "Why?"}', "line 2.*passage"),
        ('{"question": " ", "passage": "x"}', "line 2.*question"),
        ('{"question": "Why?", "passage": "x", "title": 3}', "line 2.*title"),
        ('{"question": "Why?", "passage": "x", "section": [1]}', "line 2.*section"),
        ('{"question": "\\ud800", "passage": "x"}', "line 2.*UTF-8"),
        ("{broken", "line 2.*JSON"),
        ("[]", "line 2.*JSON object"),
    ],
)
def test_a_bad_pair_names_its_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"question": "Why?", "passage": "x"}\n' + line, "utf-8")
    with pytest.raises(CorpusError, match=rf"pairs\.jsonl, {message}"):
        list(read_pairs(path))

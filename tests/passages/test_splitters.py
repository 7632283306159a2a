from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from work_growth import grows_evenly

from wikirank.errors import InvalidArgumentError
from wikirank.passages.sentences import sentence_spans
from wikirank.passages.splitters import SentenceSplitter, Splitter, WindowSplitter, splitter_from


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def pieces(splitter: Splitter, text: str) -> list[str]:
    return [text[start:end] for start, end in splitter.spans(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["It is old.", "It is big!", "Is it?", "Yes…", "So."],
        [
            "Dr. Smith met Mr. Jones in Roe v. Wade vs. the U.S. Army at 3.14 p.m. sharp.",
            "They left.",
        ],
        ["J. K. Rowling and J.R.R. Tolkien wrote, e.g. Potter.", "E.g. The Hobbit too."],
        ["It was made in the U.S.", "In 1990 it closed."],
        ["Apple Inc. Macs are sold by Acme Ltd.", "They cost money."],
        ["See Fig. 3 and No. 5 of Feb. 2001.", "The answer was no.", "Then it ended."],
        ['He said "Stop."', "She did (at once.)", "“Why?” he asked.", "«Oui.»", "End."],
        ["A claim.[12]", "Another one."],
        ["Yahoo! is a site.", "iPhone sales rose."],
        ["1. First item is here.", "2. Second item."],
        ["Version 2.0 of v1.2.3 uses a.b.c at example.org today.", "Good."],
    ],
)
def test_sentences_with_spaces_between(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


def test_line_breaks_end_sentences() -> None:
    assert sentences("A title\nno stop here\n\n  e.g.\nx ") == [
        "A title",
        "no stop here",
        "e.g.",
        "x",
    ]


def test_cjk_stops_need_no_space() -> None:
    assert sentences("今日は雨。「本当？」彼は言った！終わり") == [
        "今日は雨。",
        "「本当？」",
        "彼は言った！",
        "終わり",
    ]


def test_other_scripts() -> None:
    assert sentences("यह एक है। वह दो है। ما هذا؟ لا شيء.") == [
        "यह एक है।",
        "वह दो है।",
        "ما هذا؟",
        "لا شيء.",
    ]


def test_packs_whole_sentences_up_to_the_limit() -> None:
    # "One two." has 8 characters, "Three." and "Four." 6 and 5: 8 + 1 + 6 = 15.
    text = "One two. Three. Four.\nFive."
    assert pieces(SentenceSplitter(15), text) == ["One two. Three.", "Four.\nFive."]
    assert pieces(SentenceSplitter(14), text) == ["One two.", "Three. Four.", "Five."]
    assert pieces(SentenceSplitter(500), f"  {text}\n") == [text]


def test_long_sentences_are_cut_at_white_space_else_hard() -> None:
    assert pieces(SentenceSplitter(10), "aaaa bbbb cccc dddd.") == ["aaaa bbbb", "cccc dddd."]
    assert pieces(SentenceSplitter(9), "aaaa bbbb cccc") == ["aaaa bbbb", "cccc"]
    assert pieces(SentenceSplitter(4), "abcdefghij k") == ["abcd", "efgh", "ij k"]
    assert pieces(SentenceSplitter(4), "a     \t    b") == ["a", "b"]


def test_overlap_repeats_whole_sentences() -> None:
    text = "Aa bb. Cc. Dd. Ee ff."
    # The last sentences within 7 characters of the end: "Cc. Dd." is 7 long.
    assert pieces(SentenceSplitter(14, overlap=7), text) == ["Aa bb. Cc. Dd.", "Cc. Dd. Ee ff."]
    assert pieces(SentenceSplitter(14, overlap=6), text) == ["Aa bb. Cc. Dd.", "Dd. Ee ff."]
    assert pieces(SentenceSplitter(14, overlap=2), text) == ["Aa bb. Cc. Dd.", "Ee ff."]


def test_overlap_makes_room_for_the_next_sentence() -> None:
    text = "Aa. Bb. Cccccccc."
    assert pieces(SentenceSplitter(10, overlap=9), text) == ["Aa. Bb.", "Cccccccc."]


def test_windows_cut_through_everything() -> None:
    assert WindowSplitter().spans("x" * 1200) == [(0, 500), (500, 1000), (1000, 1200)]
    assert pieces(WindowSplitter(4), "One. == H ==") == ["One.", " == ", "H =="]
    assert WindowSplitter(500).spans("x" * 500) == [(0, 500)]


@pytest.mark.parametrize("splitter", [SentenceSplitter(), WindowSplitter()])
def test_no_text_no_passages(splitter: Splitter) -> None:
    assert splitter.spans("") == []


def test_white_space_alone_has_no_sentences() -> None:
    assert SentenceSplitter().spans(" \n\t \u3000\n") == []


@pytest.mark.parametrize(
    "settings",
    [
        {"max_chars": 0},
        {"max_chars": -5},
        {"max_chars": 2.5},
        {"max_chars": True},
        {"max_chars": "500"},
        {"max_chars": 10, "overlap": 10},
        {"overlap": -1},
        {"overlap": 1.0},
        {"overlap": None},
    ],
)
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"got .+"):
        SentenceSplitter(**settings)


def test_window_out_of_range() -> None:
    with pytest.raises(InvalidArgumentError, match="1 or more, got 0"):
        WindowSplitter(0)


@pytest.mark.parametrize(
    "splitter", [SentenceSplitter(), SentenceSplitter(200, overlap=50), WindowSplitter(300)]
)
def test_descriptions_make_the_same_splitter(splitter: Splitter) -> None:
    assert splitter_from(splitter.describe()) == splitter


def test_description_of_each_kind() -> None:
    sentence = {"kind": "sentences", "max_chars": 500, "overlap": 0}
    assert SentenceSplitter().describe() == sentence
    assert WindowSplitter().describe() == {"kind": "windows", "max_chars": 500}
    assert splitter_from({"kind": "windows"}) == WindowSplitter()


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"kind": "tokens"},
        {"kind": ["sentences"]},
        {"kind": "windows", "overlap": 3},
        {"kind": "sentences", 5: 3},
        {"kind": "sentences", "max_chars": 0},
    ],
)
def test_unknown_descriptions(description: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        splitter_from(description)


texts = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="aB1.!? \n\"')[。！\u3000\u2028\x1c", max_size=200),
    st.lists(
        st.sampled_from(["Dr. ", "U.S. ", "word ", "The end. ", "\n", "x" * 30, "No. 5 "])
    ).map("".join),
)


@st.composite
def sentence_splitters(draw: st.DrawFn) -> SentenceSplitter:
    max_chars = draw(st.integers(1, 60))
    return SentenceSplitter(max_chars, draw(st.integers(0, max_chars - 1)))


@settings(deadline=None)
@given(texts, sentence_splitters())
@example("a. b", SentenceSplitter(2, 1))
def test_sentence_passages_lose_nothing(text: str, splitter: SentenceSplitter) -> None:
    spans = splitter.spans(text)
    covered = {index for start, end in spans for index in range(start, end)}
    assert {index for index, char in enumerate(text) if not char.isspace()} <= covered
    assert all(0 < end - start <= splitter.max_chars for start, end in spans)
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)
    assert spans == splitter.spans(text)
    for before, after in pairwise(spans):
        assert before[0] < after[0]
        assert before[1] < after[1]
        assert before[1] - after[0] <= splitter.overlap


@settings(deadline=None)
@given(texts, st.integers(1, 60))
def test_windows_are_the_text(text: str, size: int) -> None:
    assert "".join(pieces(WindowSplitter(size), text)) == text
    assert all(end - start == size for start, end in WindowSplitter(size).spans(text)[:-1])


@settings(deadline=None)
@given(texts)
def test_sentences_partition_the_text(text: str) -> None:
    spans = list(sentence_spans(text))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "unit", ["x", ".", "\n", " ", '."', "1. ", "J. ", "a ", ".[", "a.\n \n", "e.g.", "。"]
)
@pytest.mark.parametrize("splitter", [SentenceSplitter(), SentenceSplitter(100_000, 99_000)])
def test_time_is_linear_in_the_text(unit: str, splitter: SentenceSplitter) -> None:
    assert grows_evenly(lambda length: splitter.spans(unit * (length // len(unit))), size=100_000)

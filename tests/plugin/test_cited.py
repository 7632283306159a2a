"""Citations in an answer: valid and invented ones, in one piece or streamed."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from work_growth import grows_evenly

from langchain_wikirank._evidence.citations import CitationReader, cited_numbers

KNOWN = {1, 2, 3}

CASES = [
    ("It is so [1].", "It is so [1].", [1], []),
    ("It is so [9].", "It is so.", [], [9]),
    ("Both [1][2] and [3].", "Both [1][2] and [3].", [1, 2, 3], []),
    ("Both [1][8] hold.", "Both [1] hold.", [1], [8]),
    ("All [1, 2] hold.", "All [1, 2] hold.", [1, 2], []),
    ("All [2, 7; 1] hold.", "All [2, 1] hold.", [2, 1], [7]),
    ("All [1-3] hold.", "All [1-3] hold.", [1, 2, 3], []),
    ("All [2–5] hold.", "All [2, 3] hold.", [2, 3], [4, 5]),
    ("All [ 1 ] hold.", "All [ 1 ] hold.", [1], []),
    ("[9] It is so.", "It is so.", [], [9]),
    ("One.\n[9] Two.\n  - three", "One.\nTwo.\n  - three", [], [9]),
    ("In 1908, 3 of 4 (2) said {1}.", "In 1908, 3 of 4 (2) said {1}.", [], []),
    ("In [1908] or [sic] or [1a] or [0].", "In [1908] or [sic] or [1a] or [0].", [], []),
    ("A quoted mark ［7］ stays.", "A quoted mark ［7］ stays.", [], []),
    ("Call `row[9]` [1].", "Call `row[9]` [1].", [1], []),
    ("```\nrow[9]\n\nrow[8]\n```\nSo [9].", "```\nrow[9]\n\nrow[8]\n```\nSo.", [], [9]),
    ("A stray ` here.\n\nSo [9].", "A stray ` here.\n\nSo.", [], [9]),
    ("  It is so. \n", "It is so.", [], []),
    ("Never closed [1", "Never closed [1", [], []),
    ("", "", [], []),
]


@pytest.mark.parametrize(("text", "clean", "cited", "invented"), CASES)
def test_whole(text: str, clean: str, cited: list[int], invented: list[int]) -> None:
    reader = CitationReader(KNOWN)
    assert reader.feed(text) + reader.end() == clean
    assert (reader.cited, reader.invented) == (cited, invented)


@pytest.mark.parametrize(("text", "clean"), [case[:2] for case in CASES])
def test_letter_by_letter(text: str, clean: str) -> None:
    reader = CitationReader(KNOWN)
    assert "".join([reader.feed(letter) for letter in text]) + reader.end() == clean


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["[1]", "[9]", "[1, 9]", "[2-4]", " ", "\n", "\n\n", "`", "```", "["]),
            st.text(alphabet="ab[]`0129,- \n", max_size=6),
        ),
        max_size=12,
    )
)
@example(["`", "``", "[9]"])
def test_pieces_make_no_difference(pieces: list[str]) -> None:
    whole, parts = CitationReader(KNOWN), CitationReader(KNOWN)
    expected = whole.feed("".join(pieces)) + whole.end()
    assert "".join([parts.feed(piece) for piece in pieces]) + parts.end() == expected
    assert (parts.cited, parts.invented) == (whole.cited, whole.invented)


def test_only_what_may_be_a_citation_is_held_back() -> None:
    reader = CitationReader(KNOWN)
    assert reader.feed("It is so [1, ") == "It is so"
    assert reader.feed("9]") == " [1]"
    assert reader.feed(", they say [as always") == ", they say [as always"


def test_cited_numbers() -> None:
    assert cited_numbers("So [2] and [4-6], not `x[1]` in [1999].") == {2, 4, 5, 6}


@pytest.mark.parametrize("unit", [" ", "\n", " \t", "[ ", "\n ", "[", "[1 ", "`", "[1-9] "])
def test_an_answer_of_any_marks_is_read_in_linear_time(unit: str) -> None:
    def read(length: int) -> None:
        reader = CitationReader({1})
        reader.feed(unit * (length // len(unit)) + "x")
        reader.end()

    assert grows_evenly(read, size=20_000)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_white_space_and_marks_in_pieces(size: int) -> None:
    answer = "  A [1]   b\t[2] [1-2].  `[2] x`\n \n [ 1 , 2 ] [12 " + " " * 50 + "end ``` [2]  "
    reader = CitationReader({1})
    shown = [reader.feed(answer[at : at + size]) for at in range(0, len(answer), size)]
    whole = "".join(shown) + reader.end()
    assert whole == "A [1]   b [1].  `[2] x`\n \n [1] [12 " + " " * 50 + "end ``` [2]"
    assert (reader.cited, reader.invented) == ([1], [2])

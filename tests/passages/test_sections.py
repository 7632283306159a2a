from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikirank.passages.sections import split_sections
from wikirank.types import Section


def paths_and_texts(text: str) -> list[tuple[tuple[str, ...], str]]:
    return [(section.path, section.text) for section in split_sections(text)]


def test_lead_nested_sections_and_siblings() -> None:
    text = (
        "Lead one.\nLead two.\n\n\n== History ==\nOld.\n\n=== Early ===\nFirst.\n"
        "==== Tools ====\nStone.\n=== Late ===\nLast.\n== Uses ==\nMany."
    )
    assert paths_and_texts(text) == [
        ((), "Lead one.\nLead two."),
        (("History",), "Old."),
        (("History", "Early"), "First."),
        (("History", "Early", "Tools"), "Stone."),
        (("History", "Late"), "Last."),
        (("Uses",), "Many."),
    ]


def test_skipped_levels_belong_to_the_nearest_smaller_heading() -> None:
    text = "=== A ===\na\n==== B ====\nb\n== C ==\nc\n====== D ======\nd\n=== E ===\ne"
    assert paths_and_texts(text) == [
        (("A",), "a"),
        (("A", "B"), "b"),
        (("C",), "c"),
        (("C", "D"), "d"),
        (("C", "E"), "e"),
    ]


def test_sections_without_own_text_are_dropped_but_head_their_subsections() -> None:
    text = "== Empty ==\n\n  \n== Parent ==\n=== Child ===\ntext\n== Last ==\n"
    assert paths_and_texts(text) == [(("Parent", "Child"), "text")]


def test_sections_of_one_name_stay_apart() -> None:
    assert paths_and_texts("== A ==\n1\n== A ==\n2") == [(("A",), "1"), (("A",), "2")]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("== History ==", "History"),
        ("==History==", "History"),
        ("== History == \t", "History"),
        ("== History ==\r", "History"),
        ("== C = D ==", "C = D"),
        ("== Uneven ===", "Uneven ="),  # MediaWiki: the smaller count is the level
        ("=== Uneven ==", "= Uneven"),
        ("======= Seven =======", "= Seven ="),
        ("== 人工知能 ==", "人工知能"),
    ],
)
def test_lines_that_are_headings(line: str, heading: str) -> None:
    assert split_sections(f"{line}\ntext") == [Section((heading,), "text")]


@pytest.mark.parametrize(
    "line",
    ["= One =", "==", "=====", "== ==", "== open", "x == y ==", " == indented ==", "a\x85== b =="],
)
def test_lines_that_are_not_headings(line: str) -> None:
    assert split_sections(f"{line}\ntext") == [Section((), f"{line}\ntext")]


def test_the_smaller_count_of_signs_is_the_level() -> None:
    assert paths_and_texts("== A ==\n=== B ==\nb")[-1] == (("= B",), "b")


def test_only_blank_lines_around_a_text_are_removed() -> None:
    text = "\n \n    code  \n\n\tmore \n\n== A ==\n\n a\n \n"
    assert paths_and_texts(text) == [((), "    code  \n\n\tmore "), (("A",), " a")]


@pytest.mark.parametrize("text", ["", "\n\n", " \t\n", "== A ==", "== A ==\n=== B ===\n\n"])
def test_no_text_no_sections(text: str) -> None:
    assert split_sections(text) == []


lines = st.one_of(
    st.text(alphabet="ab= \t\r", max_size=8),
    st.builds(
        lambda left, name, right: "=" * left + name + "=" * right,
        st.integers(1, 8),
        st.sampled_from([" A ", "B", " C = D ", "", " "]),
        st.integers(1, 8),
    ),
    st.text(max_size=12).map(lambda line: line.replace("\n", " ")),
)


@settings(deadline=None)
@given(st.lists(lines, max_size=20))
def test_no_line_is_lost_or_made_up(text_lines: list[str]) -> None:
    sections = split_sections("\n".join(text_lines))
    kept = [line for section in sections for line in section.text.split("\n") if line.strip()]
    headings = {line for line in text_lines if line.startswith("==") and line.rstrip()[-2:] == "=="}
    assert [line for line in kept if line not in headings] == [
        line for line in text_lines if line.strip() and line not in headings
    ]


def test_a_line_of_five_megabytes() -> None:
    text = "== x " * 1_000_000
    assert split_sections(text) == [Section((), text)]

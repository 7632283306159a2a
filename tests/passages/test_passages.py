from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikirank.passages.cut import article_digest, article_passages
from wikirank.passages.ids import passage_id, section_url
from wikirank.passages.sections import split_sections
from wikirank.passages.splitters import SentenceSplitter, WindowSplitter
from wikirank.types import Article

ARTICLE = Article(
    title="Kite",
    text="A kite flies. It has a tail.\n\n== Types ==\nMany.\n=== Box kite ===\nSquare. Light.",
    url="https://en.wikipedia.org/wiki/Kite",
    revision="42",
    metadata={"topic": "Toys", "tags": ["a", "b"]},
)


def test_passages_carry_what_is_needed_to_cite_them() -> None:
    passages = article_passages(
        ARTICLE, source="wiki", key="Kite", splitter=SentenceSplitter(max_chars=14)
    )
    assert [(p.number, p.section, p.text, p.start, p.end) for p in passages] == [
        (0, (), "A kite flies.", 0, 13),
        (1, (), "It has a tail.", 14, 28),
        (2, ("Types",), "Many.", 0, 5),
        (3, ("Types", "Box kite"), "Square. Light.", 0, 14),
    ]
    last = passages[-1]
    assert last.heading == "Kite › Types › Box kite"
    assert last.url == "https://en.wikipedia.org/wiki/Kite#Box_kite"
    assert passages[0].url == ARTICLE.url
    assert (last.source, last.article, last.revision) == ("wiki", "Kite", "42")
    assert last.metadata == ARTICLE.metadata
    assert last.metadata is not ARTICLE.metadata
    assert last.id == passage_id("wiki", "Kite", ("Types", "Box kite"), 0, "Square. Light.")


def test_ids_number_the_passages_of_each_section_path() -> None:
    text = "Same.\nSame.\n== A ==\nSame.\n== B ==\nSame.\n== A ==\nSame."
    article = Article("T", text)
    passages = article_passages(article, source="s", key="k", splitter=SentenceSplitter(5))
    paths_and_ordinals = [((), 0), ((), 1), (("A",), 0), (("B",), 0), (("A",), 1)]
    assert [p.id for p in passages] == [
        passage_id("s", "k", path, ordinal, "Same.") for path, ordinal in paths_and_ordinals
    ]
    assert len({p.id for p in passages}) == 5


def test_a_passage_id_never_changes() -> None:
    # Recorded once: changing an id orphans every existing index.
    assert (
        passage_id("wiki", "Kite", ("Types",), 0, "Many. 日本")
        == "b107cae4648ec5af9adb1151efb290eb"
    )


def test_every_part_changes_the_id() -> None:
    ids = [
        passage_id("a", "b", ("c",), 0, "d"),
        passage_id("x", "b", ("c",), 0, "d"),
        passage_id("a", "x", ("c",), 0, "d"),
        passage_id("a", "b", ("x",), 0, "d"),
        passage_id("a", "b", ("c", ""), 0, "d"),
        passage_id("a", "b", (), 0, "d"),
        passage_id("a", "b", ("c",), 1, "d"),
        passage_id("a", "b", ("c",), 0, "x"),
        passage_id("ab", "", ("c",), 0, "d"),
        passage_id("a", "b", ("c",), 0, '0,"d'),
    ]
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)


@pytest.mark.parametrize("text", ["", " \n ", "== A ==\n\n== B =="])
def test_an_article_without_text_has_no_passages(text: str) -> None:
    article = Article("T", text)
    assert article_passages(article, source="s", key="k", splitter=SentenceSplitter()) == []


def test_blank_windows_are_left_out() -> None:
    article = Article("T", "ab      cd")
    passages = article_passages(article, source="s", key="k", splitter=WindowSplitter(3))
    assert [(p.number, p.text, p.start) for p in passages] == [
        (0, "ab ", 0),
        (1, "  c", 6),
        (2, "d", 9),
    ]


def test_windows_run_through_headings_as_in_the_original_recipe() -> None:
    text = "Lead text.\n== Heading ==\nThe section's own text."
    article = Article("T", text, url="https://w.org/T")
    passages = article_passages(article, source="s", key="k", splitter=WindowSplitter(12))
    assert "".join(passage.text for passage in passages) == text
    assert all(passage.text == text[passage.start : passage.end] for passage in passages)
    assert {(passage.section, passage.url) for passage in passages} == {((), "https://w.org/T")}


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["== A ==", "== B ==", "=== A ===", "Same. Same.", "x" * 25, ""]),
            st.text(max_size=30),
        ),
        max_size=15,
    ).map("\n".join),
    st.integers(1, 40),
    st.integers(0, 39),
)
def test_ids_are_unique_and_repeatable(text: str, max_chars: int, overlap: int) -> None:
    splitter = SentenceSplitter(max_chars, min(overlap, max_chars - 1))
    article = Article("T", text, url="https://example.org/T")
    passages = article_passages(article, source="s", key="k", splitter=splitter)
    assert len({p.id for p in passages}) == len(passages)
    assert [p.number for p in passages] == list(range(len(passages)))
    assert passages == article_passages(article, source="s", key="k", splitter=splitter)
    bodies = {(section.path, section.text) for section in split_sections(text)}
    for p in passages:
        assert any(path == p.section and body[p.start : p.end] == p.text for path, body in bodies)


def test_digest_changes_with_everything_but_the_order_of_the_metadata() -> None:
    changed = [
        ARTICLE,
        replace(ARTICLE, title="Kites"),
        replace(ARTICLE, text=ARTICLE.text + " "),
        replace(ARTICLE, url=""),
        replace(ARTICLE, revision="43"),
        replace(ARTICLE, metadata={"topic": "Toys"}),
        replace(ARTICLE, title="KiteA", text=ARTICLE.text[1:]),
    ]
    assert len({article_digest(article) for article in changed}) == len(changed)
    reordered = replace(ARTICLE, metadata={"tags": ["a", "b"], "topic": "Toys"})
    assert article_digest(reordered) == article_digest(ARTICLE)


BASE = "https://en.wikipedia.org/wiki/Kite"


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("History", "History"),
        ("Early  life_and  work", "Early_life_and_work"),
        ("C++ & C# (50% off)?", "C++_&_C%23_(50%25_off)?"),
        ('"Quoted" <b>', "%22Quoted%22_%3Cb%3E"),
        ("Übersicht", "%C3%9Cbersicht"),
        ("歴史", "%E6%AD%B4%E5%8F%B2"),
        ("a\u00a0b", "a_b"),
    ],
)
def test_section_anchors(heading: str, anchor: str) -> None:
    assert section_url(BASE, ("Outer", heading)) == f"{BASE}#{anchor}"


def test_section_urls_at_the_edges() -> None:
    assert section_url(BASE, ()) == BASE
    assert section_url("", ("History",)) == ""
    assert section_url(f"{BASE}?a=1#Old", ("New",)) == f"{BASE}?a=1#New"
    assert section_url(f"{BASE}#Old", ()) == f"{BASE}#Old"


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_section_urls_are_plain_ascii_and_decode_to_the_heading(heading: str) -> None:
    url = section_url(BASE, (heading,))
    assert url.isascii()
    assert not any(char.isspace() for char in url)
    fragment = unquote(urlsplit(url).fragment)
    assert fragment.replace("_", " ").split() == heading.replace("_", " ").split()

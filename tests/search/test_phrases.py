"""Exact phrases and regular expressions: results, limits, and what is refused."""

from __future__ import annotations

import gc
import re
import tracemalloc
from collections.abc import Iterator
from time import thread_time

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.search.pages import find_pages
from wikirank.search.phrases import Hits, find_text
from wikirank.types import Passage

TEXTS = {
    "Tea": "Tea is a drink. It’s made of\nleaves — dried ones. Green tea is steamed.",
    "Milk": "Milk is white. 100% of it is milk. It cost 3_4 pence in 1908 or 1909.",
    "Café": "A CAFÉ sells coffee. Straße means street.",
    "Endless": "word " * 900 + "needle" + " word" * 900,
    "Trap": "a" * 5000 + "!",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WikiIndex]:
    with WikiIndex.create(tmp_path_factory.mktemp("finding") / "index") as made:
        made.add_passages(
            Passage(id=title, text=text, source="texts", article=title, title=title)
            for title, text in TEXTS.items()
        )
        yield made


def sentences(found: Hits) -> dict[str, tuple[str, ...]]:
    return {hit.passage.id: hit.sentences for hit in found.hits}


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("green TEA", {"Tea": ("Green tea is steamed.",)}),
        ("it's made  of leaves - dried", {"Tea": ("It’s made of\nleaves — dried ones.",)}),
        ("100%", {"Milk": ("100% of it is milk.",)}),
        ("3_4", {"Milk": ("It cost 3_4 pence in 1908 or 1909.",)}),
        ("3x4", {}),
        ("a café", {"Café": ("A CAFÉ sells coffee.",)}),
        ("drink. It", {"Tea": ("Tea is a drink. It’s made of",)}),
        ("m.lk", {}),
        ("reen tea", {"Tea": ("Green tea is steamed.",)}),
    ],
)
def test_phrases(index: WikiIndex, phrase: str, expected: dict[str, tuple[str, ...]]) -> None:
    found = find_text(index.store, phrase)
    assert sentences(found) == expected
    assert (found.complete, found.timed_out) == (True, False)


def test_expressions(index: WikiIndex) -> None:
    found = find_text(index.store, r"\b190[89]\b", is_regex=True)
    assert sentences(found) == {"Milk": ("It cost 3_4 pence in 1908 or 1909.",)}
    assert sentences(find_text(index.store, "green", is_regex=True)) == {}
    assert list(sentences(find_text(index.store, "(?i)green", is_regex=True))) == ["Tea"]


def test_within_a_page_and_limited(index: WikiIndex) -> None:
    (page,) = find_pages(index.store, "milk")
    assert list(sentences(find_text(index.store, "is", page=page))) == ["Milk"]
    some = find_text(index.store, "is", limit=1)
    assert (list(sentences(some)), some.complete) == (["Milk"], False)
    assert find_text(index.store, "is", limit=2).complete


@pytest.mark.parametrize("trap", [r"(a+)+$", r"(a|aa)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_an_expression_that_never_ends(index: WikiIndex, trap: str) -> None:
    started = thread_time()
    with pytest.raises(InvalidArgumentError, match="too long on one passage"):
        find_text(index.store, trap, is_regex=True)
    assert thread_time() - started < 2


def test_the_time_ends_it(index: WikiIndex) -> None:
    found = find_text(index.store, "is", seconds=0)
    assert (found.hits, found.complete, found.timed_out) == ([], False, True)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "regular expression, got '\\(': .* Correct it"),
        (" ", "1 to 300 characters"),
        ("x" * 301, "1 to 300 characters, got 301"),
        ("a*", "matches even the empty string"),
    ],
)
def test_bad_expressions(index: WikiIndex, pattern: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        find_text(index.store, pattern, is_regex=True)


HUGE = [
    "a{10000000}",
    "(?:a{1000}){100000}",
    "(?:(?:(?:ab){50}c){50}d){50}",
    "a{3000,}",
    "a{1000,2000}b{1500}",
    "(?=a){1000000}",
    r"\b{5000}x",
    "[({]{100000}",
    "(?:[)]a{1000}){1000}",
    "(?:[[:alpha:])]a{1000}){1000}",
    "(?:(?:x[[:alpha:](:])]a{1000}){1000})",
    "(?:a{100}){e<=1}{1000}",
    "(?:" + "()" * 130 + "){50}",
    "(a{1500})(?1){1500}",
]


@pytest.mark.parametrize("pattern", HUGE)
def test_counted_repeats_are_not_written_out(index: WikiIndex, pattern: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidArgumentError, match="Lower the counts"):
            find_text(index.store, pattern, is_regex=True)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pattern", ["(?x)a{1 0 0 0 0 0 0 0}", "(?V1)[a[b]]", "a(?#(){9}b"])
def test_syntax_that_hides_a_count(index: WikiIndex, pattern: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Leave them out"):
        find_text(index.store, pattern, is_regex=True)


@pytest.mark.parametrize(
    ("pattern", "title"),
    [
        (r"(?:wor[a-d] ){60}needle", "Endless"),
        (r"\d{3}%.{0,5000}?1909", "Milk"),
        (r"a{1000}!", "Trap"),
        (r"\d{4} or \d{4}", "Milk"),
        (r"[^.\[\]{}]{10,500}coffee", "Café"),
        (r"[[:upper:]]{4}", "Café"),
        (r"(?:stret){i<=1} ?", "Café"),
    ],
)
def test_counts_that_people_write(index: WikiIndex, pattern: str, title: str) -> None:
    assert title in sentences(find_text(index.store, pattern, is_regex=True))


def test_no_pattern_is_remembered(index: WikiIndex) -> None:
    for number in range(1200):
        find_text(index.store, f"quasar{number}", is_regex=number % 2 == 0)
    caches = [thing for thing in gc.get_objects() if type(thing) is dict]
    items = [item for cache in caches for item in list(cache.items())]
    # `type`, because `isinstance` reads attributes of other libraries' objects that may warn.
    assert not [
        value for _, value in items if type(value) is regex.Pattern and "quasar" in value.pattern
    ]
    keys = [part for key, _ in items if type(key) is tuple for part in key if type(part) is str]
    assert sum("quasar" in key for key in keys) < 1000


def test_of_an_endless_sentence_what_stands_around_the_match(index: WikiIndex) -> None:
    (text,) = sentences(find_text(index.store, "needle"))["Endless"]
    assert re.fullmatch(r"… (word )+needle( word)+ …", text)
    assert len(text) < 620


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_stands_in_a_text_is_found(index: WikiIndex, data: st.DataObject) -> None:
    title = data.draw(st.sampled_from(["Tea", "Milk", "Café"]))
    text = TEXTS[title]
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    if phrase := text[start:end].strip():
        assert title in sentences(find_text(index.store, phrase.upper().replace("SS", "ß")))
        assert title in sentences(find_text(index.store, phrase))

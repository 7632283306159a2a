"""Pages by title and address, their passages in order, and suggestions for a wrong title."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wikirank.index import WikiIndex
from wikirank.search.pages import (
    Page,
    find_pages,
    named_section,
    nearest_titles,
    page_passages,
    section_names,
)
from wikirank.types import Passage

WIKI = "https://w.org/"


def page_of(title: str, source: str, *pieces: tuple[tuple[str, ...], str]) -> list[Passage]:
    return [
        Passage(
            id=f"{source}-{title}-{number}",
            text=text,
            source=source,
            article=title,
            number=number,
            title=title,
            section=section,
            url=f"{WIKI}{title.replace(' ', '_')}" + (f"#{section[-1]}" if section else ""),
        )
        for number, (section, text) in enumerate(pieces)
    ]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WikiIndex]:
    with WikiIndex.create(tmp_path_factory.mktemp("reading") / "index") as made:
        made.add_passages(
            [
                *page_of(
                    "Ada Lovelace",
                    "people",
                    ((), "Ada was a mathematician."),
                    (("Life",), "She was born in 1815."),
                    (("Life", "Death"), "She died in 1852."),
                    (("Works",), "She wrote notes."),
                ),
                *page_of("Mercury", "planets", ((), "Mercury is a planet.")),
                *page_of("Mercury", "metals", ((), "Mercury is a metal.")),
                *page_of("Élan", "words", ((), "Élan is a French word.")),
                *page_of("C#", "words", ((), "C# is a language.")),
            ]
        )
        yield made


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace",
        " ada lovelace ",
        "Ada_Lovelace",
        "Ada_Lovelace#Life",
        f"{WIKI}Ada_Lovelace",
        f"{WIKI}Ada_Lovelace#Life",
        f"{WIKI}Ada_Lovelace#Nowhere",
    ],
)
def test_names_of_a_page(index: WikiIndex, name: str) -> None:
    assert find_pages(index.store, name) == [Page("people", "Ada Lovelace", "Ada Lovelace")]


def test_names_beyond_ascii_and_with_a_hash(index: WikiIndex) -> None:
    assert [page.title for page in find_pages(index.store, "éLAN")] == ["Élan"]
    assert [page.title for page in find_pages(index.store, "c#")] == ["C#"]
    assert find_pages(index.store, f"{WIKI}Ada") == find_pages(index.store, "Ada") == []


def test_a_title_in_two_sources(index: WikiIndex) -> None:
    assert [page.source for page in find_pages(index.store, "mercury")] == ["metals", "planets"]


def test_sections(index: WikiIndex) -> None:
    (page,) = find_pages(index.store, "Ada Lovelace")
    passages = page_passages(index.store, page)
    assert [passage.number for passage in passages] == [0, 1, 2, 3]
    assert section_names(passages) == ["Life", "Life › Death", "Works"]
    for section, numbers in {
        "life": [1, 2],
        "Death": [2],
        "LIFE › death": [2],
        "Works": [3],
        "Wor": [],
    }.items():
        found = page_passages(index.store, page, section)
        assert [passage.number for passage in found] == numbers
    assert named_section(f"{WIKI}Ada_Lovelace#Early_life%20here") == "Early life here"
    assert named_section("Ada Lovelace") == ""


@pytest.mark.parametrize("name", ["Ada Lovelase", "Adda_Lovelace", f"{WIKI}Ada_Lovelance#Life"])
def test_a_misspelt_title(index: WikiIndex, name: str) -> None:
    assert nearest_titles(index, name)[0] == "Ada Lovelace"


def test_titles_of_passages_with_its_words(index: WikiIndex) -> None:
    assert nearest_titles(index, "French words") == ["Élan"]
    assert nearest_titles(index, "zzzz") == []
    assert len(nearest_titles(index, "Mercury", count=1)) == 1


def test_an_older_index_gets_the_new_indexes(tmp_path: Path) -> None:
    with WikiIndex.create(tmp_path / "index") as made:
        made.add_passages(page_of("Tea", "drinks", ((), "Tea is hot.")))
        made.store.connection.executescript(
            "DROP INDEX passages_by_title; DROP INDEX passages_by_url;"
        )
    with WikiIndex.open(tmp_path / "index") as opened:
        plan = opened.store.connection.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM passages WHERE title = 'tea' COLLATE NOCASE"
        ).fetchall()
        assert "passages_by_title" in plan[0][3]
        assert len(find_pages(opened.store, "tea")) == 1

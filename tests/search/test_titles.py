"""Titles of an index: by category, and by links between pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wikirank.corpus.live import TitleQuery
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.search.titles import list_titles
from wikirank.types import Passage

TEXTS = {
    "Canberra": ("The capital, chosen before Sydney and New South Wales objected.", ["Cities"]),
    "Sydney": ("A city. Rain falls, and new south wales is around it.", ["Cities", "Ports"]),
    "New South Wales": ("A state around Canberra.", ["Kategorie:States"]),
    "Rain": ("Water from clouds; canberra-like towns get some. 100%_a", []),
}


@pytest.fixture(scope="module")
def index() -> Iterator[WikiIndex]:
    with WikiIndex.create() as index:
        index.add_passages(
            [
                Passage(title, text, article=title, title=title, metadata={"categories": groups})
                for title, (text, groups) in TEXTS.items()
            ]
        )
        yield index


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        (TitleQuery(), ["Canberra", "New South Wales", "Rain", "Sydney"]),
        (TitleQuery(category="cities"), ["Canberra", "Sydney"]),
        (TitleQuery(category="States"), ["New South Wales"]),
        (TitleQuery(category="%"), []),
        (TitleQuery(links_to="New South Wales"), ["Canberra", "Sydney"]),
        (TitleQuery(links_to="Canberra"), ["New South Wales", "Rain"]),
        (TitleQuery(links_to="Nowhere"), []),
        (TitleQuery(links_from="canberra"), ["New South Wales", "Sydney"]),
        (TitleQuery(links_from="Sydney"), ["Rain"]),
        (TitleQuery(links_from="Canberra", category="Ports"), ["Sydney"]),
        (TitleQuery(links_from="Canberra", links_to="New South Wales"), ["Sydney"]),
        (TitleQuery(links_to="Canberra", prefix="r"), ["Rain"]),
        (TitleQuery(links_to="Canberra", after="New South Wales"), ["Rain"]),
    ],
)
def test_conditions(index: WikiIndex, query: TitleQuery, titles: list[str]) -> None:
    assert list_titles(index, query) == (titles, None)


def test_continuation(index: WikiIndex) -> None:
    for query in (TitleQuery(limit=1), TitleQuery(limit=1, links_to="Canberra")):
        titles, after = list_titles(index, query)
        assert titles == [after]


def test_links_of_a_page_that_is_not_there(index: WikiIndex) -> None:
    with pytest.raises(InvalidArgumentError, match="got 'Nowhere'"):
        list_titles(index, TitleQuery(links_from="Nowhere"))

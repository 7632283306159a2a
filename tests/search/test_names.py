"""Other names of pages, their tags, and words that are misspelt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wikirank.corpus import open_source
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.index.verify.repair import repair_index
from wikirank.search import Searcher, SearchOptions, pipeline

NOTES = {
    "Paid leave": "aliases: [PTO, Time off]\ntags: [hr, policy]\n---\nStaff have 25 free days.",
    "Telephone": "tags: [invention]\n---\nAlexander Graham Bell invented the telephone in 1876.",
    "Sick notes": "tags: hr\nyear: [2024, 2025]\n---\nA doctor writes them from the third day on.",
    "Glaciers": "tags: [ice]\n---\nGlaciers carve valleys in 1866 winters.",
    "Parking": "---\nCars stand behind the house.",
}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    folder = tmp_path_factory.mktemp("vault")
    for title, note in NOTES.items():
        head = note if note.startswith("---") else f"---\n{note}"
        (folder / f"{title}.md").write_text(head, encoding="utf-8")
    (folder / ".obsidian").mkdir()
    with WikiIndex.create(folder.parent / "index") as index:
        index.add_source(open_source(folder))
        yield Searcher(index)


def titles(searcher: Searcher, query: str, **options: Any) -> list[str]:
    found = searcher.search(query, SearchOptions(**options))
    return [hit.passage.title for hit in found.passages]


@pytest.mark.parametrize("query", ["PTO", "time off", "How many days of PTO are there?"])
def test_a_note_is_found_by_its_aliases(searcher: Searcher, query: str) -> None:
    assert titles(searcher, query)[0] == "Paid leave"
    assert titles(searcher, query, search_type="lexical", rerank=False)[0] == "Paid leave"


def test_the_reranker_reads_the_alias_that_is_asked_for(searcher: Searcher) -> None:
    options = SearchOptions(filter={"title": "Paid leave"}, search_type="dense")
    with_alias = searcher.search("What is PTO?", options).passages[0].rerank_logit
    another = searcher.search("What is PTX?", options).passages[0].rerank_logit
    assert with_alias is not None
    assert another is not None
    assert with_alias > another + 1


def test_a_page_is_found_by_what_redirects_to_it(tmp_path: Path) -> None:
    pages = [
        ("Mount Cook", "Aoraki rises in the south.", ""),
        ("Ski club", "Members meet on Fridays.", ""),
        ("Kaputar hill", "#REDIRECT [[Mount Cook]]", "Mount Cook"),
    ]
    xml = "".join(
        f"<page><title>{title}</title><ns>0</ns><id>{number}</id>"
        + (f'<redirect title="{to}" />' if to else "")
        + f"<revision><id>1</id><text>{text}</text></revision></page>"
        for number, (title, text, to) in enumerate(pages, start=1)
    )
    (tmp_path / "wiki.xml").write_text(f"<mediawiki>{xml}</mediawiki>", encoding="utf-8")
    with WikiIndex.create(tmp_path / "index") as index:
        index.add_source(open_source(tmp_path / "wiki.xml"))
        found = titles(Searcher(index), "Kaputar", search_type="lexical", rerank=False)
    assert found == ["Mount Cook"]


@pytest.mark.parametrize(
    "query", ["who invneted the telphone", "telefone invention", "telephnoe", "alexandre grahm"]
)
def test_misspelt_words_find_near_ones(searcher: Searcher, query: str) -> None:
    for search_type in ("lexical", "hybrid"):
        found = searcher.search(query, SearchOptions(search_type=search_type, rerank=False))
        assert found.passages[0].passage.title == "Telephone"
        assert 0 < (found.passages[0].lexical_score or 0) < 1


def test_a_misspelt_question_is_reranked(searcher: Searcher) -> None:
    found = searcher.search("who invneted the telphone").passages
    assert found[0].passage.title == "Telephone"
    assert (found[0].relevance_score or 0) > 2 * (found[1].relevance_score or 0)


@pytest.mark.parametrize(
    ("query", "read_as", "title"),
    [
        ("Alexnader Bell", "Alexander Bell", "Telephone"),
        ("who invneted the telphone", "who invented the telephone", "Telephone"),
        ("glacirs", "glaciers", "Glaciers"),
        ("how do the glaciers move", "", "Glaciers"),
        ("dont sicc notes", "", "Sick notes"),
        ("telophone", "telephone", "Telephone"),
        ("pelephone", "", ""),  # Another name, not a typo.
        ("Wie bewegen sich die Gletschr und wer hat sie", "", ""),
    ],
)
def test_models_read_misspelt_words_as_the_wiki_spells_them(
    searcher: Searcher, query: str, read_as: str, title: str
) -> None:
    found = searcher.search(query)
    assert (f"Read as: {read_as}" in found.note) == bool(read_as)
    assert not read_as or found.query == query
    assert not title or found.passages[0].passage.title == title
    if read_as:
        spelt = searcher.search(read_as)
        assert "Read as" not in spelt.note
        logits = {p.passage.id: p.rerank_logit for p in found.passages}
        for passage in spelt.passages:
            assert logits.get(passage.passage.id, passage.rerank_logit) == passage.rerank_logit


@pytest.mark.parametrize("query", ["1875", "cas", "hause"])
def test_numbers_and_short_words_are_taken_as_they_are(searcher: Searcher, query: str) -> None:
    found = titles(searcher, query, search_type="lexical", rerank=False)
    assert found == (["Parking"] if query == "hause" else [])


@pytest.mark.parametrize("search_type", ["lexical", "dense", "hybrid"])
@pytest.mark.parametrize("few", [2000, 1])
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"tags": "hr"}, {"Paid leave", "Sick notes"}),
        ({"tags": {"$in": ["ice", "policy"]}}, {"Paid leave", "Glaciers"}),
        ({"tags": {"$ne": "hr"}}, {"Telephone", "Glaciers", "Parking"}),
        ({"tags": {"$nin": ["hr", "ice"]}}, {"Telephone", "Parking"}),
        ({"year": {"$gte": 2025}}, {"Sick notes"}),
        ({"$or": [{"tags": "ice"}, {"title": "Parking"}]}, {"Glaciers", "Parking"}),
        ({"aliases": "PTO"}, {"Paid leave"}),
        ({"tags": "none"}, set()),
    ],
)
def test_filters_look_into_lists(
    searcher: Searcher,
    monkeypatch: pytest.MonkeyPatch,
    where: dict[str, Any],
    expected: set[str],
    few: int,
    search_type: str,
) -> None:
    monkeypatch.setattr(pipeline, "_MAX_COMPARED", few)
    query = "days doctor telephone glaciers cars"
    options = {"search_type": search_type, "rerank": False, "filter": where, "k": 5}
    assert set(titles(searcher, query, **options)) == expected


def test_keys_of_lists_are_recorded(searcher: Searcher) -> None:
    assert {"tags", "aliases", "year"} <= set(searcher.index.info().filter_keys)
    with pytest.raises(InvalidArgumentError, match=r"aliases.*tags"):
        titles(searcher, "days", filter={"tagz": "hr"})


def test_repair_adds_keys_of_lists_to_an_older_index(tmp_path: Path) -> None:
    (tmp_path / "wiki").mkdir()
    (tmp_path / "wiki" / "a.md").write_text("---\ntags: [ice]\n---\nText.", encoding="utf-8")
    with WikiIndex.create(tmp_path / "index") as index:
        index.add_source(open_source(tmp_path / "wiki"))
        with index.store.transaction() as connection:
            connection.execute("DELETE FROM metadata_keys")
    repair_index(tmp_path / "index")
    with WikiIndex.open(tmp_path / "index") as index:
        assert titles(Searcher(index), "text", rerank=False, filter={"tags": "ice"}) == ["a"]

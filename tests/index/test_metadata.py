"""Metadata that Chroma rejects does not stop a run: it is stored and reported as unfilterable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wikirank.corpus import open_source
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.index.metadata import MAX_FILTER_KEYS
from wikirank.index.verify.run import verify_index
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage

LEXICAL = SearchOptions(search_type="lexical", rerank=False)


def write(path: Path, *metadata: str) -> Path:
    """Write articles about metals, with metadata given as JSON."""
    names = ("Copper", "Silver", "Nickel")
    lines = [
        f'{{"title": "{name}", "text": "{name} conducts heat.", {fields}}}'
        for name, fields in zip(names, metadata, strict=False)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


REFUSED = {
    "$schema": '"x"',
    "#id": "1",
    "": '"empty"',
    "$and": '["list"]',
    "chroma:document": '"x"',
    "chroma:mine": "true",
    "huge": str(2**70),
    "negative": str(-(2**64)),
    "infinite": "1e999",
    "nested": '{"deeper": [1, -1e999]}',
    "deep": "[" * 80 + "]" * 80,
}


def test_what_chroma_refuses_is_named_and_kept(tmp_path: Path) -> None:
    fields = ", ".join(f"{json.dumps(key)}: {value}" for key, value in REFUSED.items())
    wiki = write(tmp_path / "metals.jsonl", '"year": 1, ' + fields, '"year": 2', fields)
    with WikiIndex.create(tmp_path / "index") as index:
        report = index.add_source(open_source(wiki))
        assert report.added == 3
        named = set(REFUSED) - {"$and"}  # A list is no value of a filter anyway.
        assert set(report.unfilterable) == named
        assert all(where.startswith("Copper: ") for where in report.unfilterable.values())
        assert "metadata that no filter can use: " in report.summary()
        assert set(index.info().filter_keys) & (named | {"year"}) == {"year"}
        (copper,) = index.store.select("title = 'Copper'")
        assert (copper.metadata["$schema"], copper.metadata["huge"]) == ("x", 2**70)
        assert copper.metadata["infinite"] is None
        assert copper.metadata["nested"] == {"deeper": [1, None]}
        assert "deep" not in copper.metadata
        found = Searcher(index).search("copper", SearchOptions(rerank=False, filter={"year": 1}))
        assert [hit.passage.title for hit in found.passages] == ["Copper"]
        with pytest.raises(InvalidArgumentError, match="Expected a known filter key"):
            Searcher(index).search("copper", SearchOptions(filter={"$schema": "x"}))
        assert index.add_source(open_source(wiki), reread=True).unchanged == 3
    assert verify_index(tmp_path / "index", full=True).whole


@pytest.mark.parametrize("keys", [5500, 20_000])
def test_no_number_of_keys_stops_an_index(tmp_path: Path, keys: int) -> None:
    many = ", ".join(f'"key{n}": {n}' for n in range(keys))
    wiki = write(tmp_path / "metals.jsonl", '"year": 1', many)
    with WikiIndex.create(tmp_path / "index") as index:
        report = index.add_source(open_source(wiki))
        beyond = f"the last {keys - MAX_FILTER_KEYS}"
        assert report.unfilterable == {beyond: f"Silver: more than {MAX_FILTER_KEYS} keys"}
        (silver,) = index.store.select("title = 'Silver'")
        assert len(silver.metadata) == keys
        with pytest.raises(InvalidArgumentError) as told:
            Searcher(index).search("silver", SearchOptions(filter={"key9999": 1}))
        assert len(str(told.value)) < 1000
        write(wiki, '"year": 2', many, '"year": 3')
        assert (index.add_source(open_source(wiki)).changed, index.store.count()) == (1, 3)
        assert [hit.passage.title for hit in search(index, "silver")] == ["Silver"]
    assert verify_index(tmp_path / "index").whole


def test_a_page_of_front_matter(tmp_path: Path) -> None:
    matter = "\n".join(f"key{n}: value {n}" for n in range(2000))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "Tin.md").write_text(f"---\n{matter}\n---\nTin melts early.\n")
    with WikiIndex.create(tmp_path / "index") as index:
        assert index.add_source(open_source(tmp_path / "notes")).added == 1
        assert [hit.passage.title for hit in search(index, "tin")] == ["Tin"]


def test_metadata_that_no_json_can_hold(tmp_path: Path) -> None:
    with WikiIndex.create(tmp_path / "index") as index:
        for value in (float("nan"), {"a": object()}):
            with pytest.raises(InvalidArgumentError, match="cannot be stored as JSON"):
                index.add_passages([Passage(id="a", text="Tin.", metadata={"key": value})])
        assert index.add_passages([Passage(id="a", text="Tin.", metadata={"$key": 1})]) == 1
        assert [hit.passage.metadata for hit in search(index, "tin")] == [{"$key": 1}]


@pytest.mark.parametrize("depth", [60, 3000, 50_000])
@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: {"a": v}])
def test_metadata_nested_too_deep_is_refused(tmp_path: Path, depth: int, wrap: Any) -> None:
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    deep = Passage(id="a", text="Tin.", article="Metals", metadata={"fine": 1, "far": value})
    with WikiIndex.create(tmp_path / "index") as index:
        with pytest.raises(InvalidArgumentError, match="'far' of passage 'a' of article 'Metals'"):
            index.add_passages([deep])
        assert index.add_passages([Passage(id="a", text="Tin.", metadata={"near": [[1]]})]) == 1


def search(index: WikiIndex, query: str) -> Any:
    return Searcher(index).search(query, LEXICAL).passages

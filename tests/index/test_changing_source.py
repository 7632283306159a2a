"""Sources that report changes: what an index keeps, removes and records for the next run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from index_snapshot import snapshot

from wikirank.corpus import ChangingSource, Known, Removed, Unchanged
from wikirank.errors import CorpusError, EmptyCorpusError
from wikirank.index import IndexReport, WikiIndex
from wikirank.types import Article

Item = Article | Removed | Unchanged


@dataclass
class Notes:
    """A source in memory that yields some items, then fails or ends."""

    items: list[Item]
    complete: bool = True
    state: str = ""
    fault: Exception | None = None
    name: str = "notes"
    location: str = "memory"
    skipped: Mapping[str, int] = field(default_factory=dict)

    def changes(self, known: Known) -> Iterator[Item]:
        self.known = known
        yield from self.items
        if self.fault:
            raise self.fault

    def __iter__(self) -> Iterator[Article]:
        return (item for item in self.items if isinstance(item, Article))

    def count(self) -> int | None:
        return None


def article(title: str, text: str = "", *, version: str = "1", alias: str = "") -> Article:
    metadata = {"aliases": [alias]} if alias else {}
    return Article(title, text or f"{title} is a name.", metadata=metadata, version=version)


def changes(report: IndexReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.removed


def titles(index: WikiIndex) -> set[str]:
    return {passage.title for passage in index.store.select("1")}


@pytest.fixture
def index(tmp_path: Path) -> WikiIndex:
    index = WikiIndex.create(tmp_path / "index")
    index.add_source(Notes([article("Ada"), article("Bob"), article("Cyd", alias="Sid")]))
    return index


def test_it_is_told_from_other_sources(tiny_wiki: Path) -> None:
    from wikirank.corpus import open_source

    assert isinstance(Notes([]), ChangingSource)
    assert not isinstance(open_source(tiny_wiki), ChangingSource)


def test_a_whole_reading_removes_what_it_did_not_name(index: WikiIndex) -> None:
    assert changes(index.add_source(Notes([Unchanged("Ada"), article("Bob", "New.")]))) == (
        0,
        1,
        1,
        1,
    )
    assert titles(index) == {"Ada", "Bob"}


def test_a_partial_reading_removes_what_it_says(index: WikiIndex) -> None:
    items: list[Item] = [Removed("Ada"), Removed("Nobody"), article("Dan")]
    assert changes(index.add_source(Notes(items, complete=False))) == (1, 0, 0, 1)
    assert titles(index) == {"Bob", "Cyd", "Dan"}


def test_a_partial_reading_may_bring_nothing(index: WikiIndex) -> None:
    before = snapshot(index)
    assert changes(index.add_source(Notes([], complete=False))) == (0, 0, 0, 0)
    assert snapshot(index) == before
    with pytest.raises(EmptyCorpusError):
        index.add_source(Notes([]))
    assert snapshot(index) == before


def test_an_article_that_lost_its_text_goes(index: WikiIndex) -> None:
    report = index.add_source(Notes([article("Ada", "== Heading ==")], complete=False))
    assert (report.without_text, report.removed) == (1, 1)
    assert titles(index) == {"Bob", "Cyd"}


def test_versions_are_those_of_what_the_index_has(index: WikiIndex) -> None:
    newer = [article("Ada", version="2"), article("Bob", "New.", version="2")]
    source = Notes([*newer, article("Dan", "== Heading ==")], complete=False)
    index.add_source(source)
    keys = ["Ada", "Bob", "Cyd", "Dan", "Nobody"]
    assert source.known.versions(keys) == {"Ada": "2", "Bob": "2", "Cyd": "1"}
    index.add_source(Notes([Removed("Ada")], complete=False))
    assert source.known.versions(keys) == {"Bob": "2", "Cyd": "1"}


def test_what_came_before_a_fault_is_kept(index: WikiIndex) -> None:
    items: list[Item] = [article("Dan"), article("Eve")]
    source = Notes(items, state="later", fault=CorpusError("broken"))
    with pytest.raises(CorpusError, match="broken"):
        index.add_source(source)
    assert titles(index) == {"Ada", "Bob", "Cyd", "Dan", "Eve"}
    assert source.known.versions(["Dan", "Eve"]) == {"Dan": "1", "Eve": "1"}
    assert source.known.state == ""


def test_the_state_is_that_of_the_last_run_that_ended(index: WikiIndex, tmp_path: Path) -> None:
    for state, expected in (("one", "one"), ("", "one"), ("two", "two")):
        source = Notes([article("Ada")], complete=False, state=state)
        index.add_source(source)
        assert source.known.state == expected
    index.close()
    with WikiIndex.open(tmp_path / "index") as again:
        source = Notes([article("Ada")], complete=False)
        other = Notes([article("Ada")], complete=False, name="other")
        again.add_source(source)
        again.add_source(other)
        assert (source.known.state, other.known.state) == ("two", "")


def test_articles_are_found_by_their_aliases(index: WikiIndex) -> None:
    source = Notes([], complete=False)
    index.add_source(source)
    assert source.known.titles_with_alias(["Sid", "Ada"]) == ["Cyd"]
    assert source.known.titles_with_alias([]) == []


def test_an_article_that_cannot_be_read_and_is_not_indexed_does_not_count(index: WikiIndex) -> None:
    items: list[Item] = [Unchanged("Ada"), Unchanged("Nobody"), Unchanged("Bob")]
    assert changes(index.add_source(Notes(items))) == (0, 0, 2, 1)
